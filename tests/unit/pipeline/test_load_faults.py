"""Every fault that a file can have is told with its place, what is wrong, and what was meant."""

from __future__ import annotations

import textwrap

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, load_document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.overrides import (
    EVERYTHING,
    Overrides,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.step_schema import POD_FIELDS

HEAD = "version: v1alpha1\nname: x\n"
STEPS = "steps:\n  - name: build\n    image: busybox:1.36\n    commands: [make]\n"


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        load(textwrap.dedent(text))
    return str(caught.value).splitlines()


def in_file(top: str) -> str:
    """A file that is right but for what `top` adds at its top level."""
    return HEAD + top + "\n" + STEPS


def in_step(lines: str) -> str:
    """A file that is right but for what `lines` add to its step, from line 7 on."""
    return HEAD + STEPS + textwrap.indent(textwrap.dedent(lines), "    ") + "\n"


def test_the_form_of_an_error():
    text = """\
    version: v1alpha1
    name: x
    steps:
      - name: test
        image: busybox
        commands: [make test]
      - name: build
        image: busybox
        dependsOn: [tests]
        commands: [make]
    """
    expected = ".c8s.yaml:9:17: steps[1].dependsOn[0]: no step is named 'tests'"
    assert faults(text) == [f"{expected} (did you mean 'test'?)"]


def test_all_are_told_at_once_in_the_order_of_the_file():
    text = """\
    version: v2
    name: Bad_Name
    timeout: 90
    strategy: {matrix: 1}
    steps:
      - name: a
        commands: make
        retries: 99
      - name: a
        image: x
        commands: ["${{ matrix.os }}"]
        dependsOn: [b]
    """
    lines = [":".join(line.split(":")[1:3]) for line in faults(text)]
    assert lines == ["1:10", "2:7", "3:10", "4:1", "6:5", "7:15", "8:14", "9:11", "11:17", "12:17"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1:1: is empty; a pipeline needs 'version', 'name' and 'steps'"),
        ("# only a comment\n", "is empty; a pipeline needs 'version', 'name' and 'steps'"),
        ("just text", ":1:1: must be a mapping, not the text 'just text'"),
        ("[1]", ":1:1: must be a mapping, not a list"),
        (HEAD, ":1:1: needs 'steps'"),
        ("version: v1alpha1\n" + STEPS, "needs 'name'"),
        ("name: x\n" + STEPS, "needs 'version'"),
        (HEAD + "steps: []\n", "steps: needs at least 1 item"),
        (HEAD + "steps:\n", "steps: is empty; give a list or leave the key out"),
        (HEAD + "steps: {build: {}}\n", "steps: must be a list, not a mapping"),
        (HEAD + "steps: [build]\n", "steps[0]: must be a mapping, not the text 'build'"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_what_is_hardly_a_pipeline(text, expected):
    assert any(expected in line for line in faults(text))


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("nmae: x", "nmae: the key 'nmae' is not known here (did you mean 'name'?)"),
        ("Timeout: 1h", "(did you mean 'timeout'?)"),
        ("strategy: {}", "what is 'strategy.matrix' elsewhere is 'matrix' here"),
        ("matrix: {dimensions: {a: [b]}, exclusions: []}", "did you mean 'exclude'?"),
        ("matrix: {os: [linux]}", "matrix: needs 'dimensions'"),
        ("matrix: {dimensions: {}}", "matrix.dimensions: needs at least 1 entry"),
        ("matrix: {dimensions: {os: []}}", "matrix.dimensions.os: needs at least 1 item"),
        ("matrix: {dimensions: {os: [a, a]}}", "matrix.dimensions.os[1]: 'a' is in the list twice"),
        ("matrix: {dimensions: {n: [1, '1']}}", "matrix.dimensions.n[1]: '1' is in the list twice"),
        ("matrix: {dimensions: {1a: [b]}}", "the name '1a' is not a name of letters"),
        (
            "matrix: {dimensions: {a-b: [x], a_b: [y]}}",
            "'a-b' and 'a_b' would both be the variable C8S_MATRIX_A_B",
        ),
        (
            "matrix: {dimensions: {a: [b]}, exclude: [{c: d}]}",
            "matrix.exclude[0]: 'c' is no dimension",
        ),
        (
            "matrix: {dimensions: {a: [b], c: [d]}, include: [{a: x}]}",
            "matrix.include[0]: a value for 'c' is missing",
        ),
        (
            "matrix: {dimensions: {a: [b]}, exclude: [{a: b}]}",
            "matrix.exclude: every combination is excluded",
        ),
        ("repository: https://x", "the file belongs to the repository it is in"),
        ("kind: PipelineConfig\nspec: {}", "the key 'kind' is not known here"),
        ("apiVersion: c8s.dev/v1alpha1", "holds what stands under 'spec'"),
        ("branches: main", "branches: must be a list, not the text 'main' (begin each item"),
        ("branches: [!wip/x]", "text that begins with ! needs quotes"),
        ("branches: ['!']", "branches[0]: '!' excludes nothing"),
        ("branches: ['{main,dev}']", "branches[0]: braces are not alternatives here"),
        ("tags: ['v[0-9']", "tags[0]: a [ has no ]"),
        ("tags: ['v[9-0]']", "tags[0]: the range 9-0 runs backwards"),
        ("tags: ['v\\']", "tags[0]: a \\ at the end escapes nothing"),
        ("timeout: 90", "timeout: 90 is not a duration such as 90s"),
        ("timeout: 0s", "timeout: '0s' is not a duration"),
        ("timeout: 99999h", "timeout: '99999h' is more than ten years"),
        ("defaults: {timeout: 99999h}", "defaults.timeout: '99999h' is more than ten years"),
        ("env: {1A: x}", "env['1A']: the name '1A' is not a name for a variable"),
        ("env: {C8S_RUN: x}", "env.C8S_RUN: the name 'C8S_RUN' is not a name for a variable"),
        ("env: {A: [x]}", "env.A: must be text, not a list"),
        ("env: {A: }", 'env.A: is empty; write "" for empty text'),
        ("env: {A: '${{ env.A }}'}", "these variables refer to each other: A -> A"),
        (
            "env: {A: '${{ env.B }}', B: '${{ env.A }}'}",
            "these variables refer to each other: A -> B -> A",
        ),
        ("env: {'${{ run.name }}': x}", "a name cannot hold a template"),
        ("priority: urgent", "'urgent' is not known here; it must be one of high, medium, low"),
        ("priority: lwo", "(did you mean 'low'?)"),
        ("retryPolicy: {maxRetries: 11}", "must be a whole number from 0 to 10, not 11"),
        ("retryPolicy: {maxRetries: 1.5}", "must be a whole number from 0 to 10, not 1.5"),
        ("failFast: yes", "failFast: must be true or false, not the text 'yes'"),
        ("clone: true", "clone: must be false or a mapping, not true"),
        ("concurrency: {group: 'x ${{ run.brnch }}'}", "(did you mean 'run.branch'?)"),
        ("name: y", "name: the key 'name' is here twice"),
        ("defaults: {resources: {cpu: 2, limits: {cpu: 1}}}", "the request for cpu is above"),
    ],
)
def test_faults_at_the_top(top, expected):
    found = faults(in_file(top))
    assert any(expected in line for line in found), found
    assert all(line.startswith(".c8s.yaml:") for line in found)


@pytest.mark.parametrize(
    ("lines", "place", "expected"),
    [
        ("needs: [a]", "7:5", "the key 'needs' is not known here (did you mean 'dependsOn'?)"),
        ("comands: [a]", "7:5", "(did you mean 'commands'?)"),
        ("dependsOn: [build]", "7:17", "a step cannot wait for itself"),
        ("dependsOn: [a, a]", "7:20", "'a' is in the list twice"),
        ("args: [x]", "7:5", "'commands' and 'args' exclude each other"),
        ("when: {}\nconditional: {}", "8:5", "'when' and 'conditional' exclude each other"),
        ("when: {status: always, onSuccess: false}", "7:28", "exclude each other"),
        ("when: {event: pusch}", "7:19", "'pusch' is no event; there are push, tag, pull_request"),
        ("when: {event: [push, '!tagg']}", "7:26", "did you mean 'tag'?"),
        ("when: {branch: 'a['}", "7:20", "a [ has no ]"),
        ("when: {branch: {}}", "7:20", "must be text or a list of texts, not a mapping"),
        ("secrets: [{secretName: x, key: y}]", "7:16", "(did you mean 'secretRef'?)"),
        ("secrets: [{secretRef: x, key: a-b}]", "7:15", "the key 'a-b' cannot be the name of a"),
        ("secrets: [{secretRef: x, key: C8S_A}]", "7:15", "cannot be the name of a variable"),
        ("secrets: [{secretRef: x, key: a, envVar: A, file: b}]", "7:49", "exclude each other"),
        ("secrets: [{secretRef: x, key: a, file: ../b}]", "7:44", "leaves /secrets"),
        ("secrets: [{secretRef: x, key: a, file: /etc/b}]", "7:44", "leaves /secrets"),
        (
            "secrets: [{secretRef: x, key: A}, {secretRef: y, key: A}]",
            "7:39",
            "the variable 'A' is set twice",
        ),
        ("env: {A: x}\nsecrets: [{secretRef: y, key: A}]", "8:15", "'A' is set twice"),
        (
            "secrets: [{secretRef: x, key: a, file: d/f}, {secretRef: x, key: b, file: d}]",
            "7:50",
            "the file 'd' is there already",
        ),
        ("resources: {cpu: 1 core}", "7:22", "'1 core' is not a quantity, such as 500m"),
        ("resources: {memory: 512m}", "7:25", "512m is 512 thousandths of a byte"),
        ("resources: {cpu: 9999999}", "7:22", "is more than any machine has"),
        ("resources: {memory: 2Gi, limits: {memory: 1Gi}}", "7:25", "above its limit"),
        ("resources: {limits: {cpu: 0}}", "7:31", "a limit must be above zero"),
        ("resources: {requests: {cpu: 1}}", "7:17", "what stands in 'resources' itself"),
        ("timeout: 1d", "7:14", "'1d' is not a duration"),
        ("artifacts: [/etc/passwd]", "7:17", "leaves the workspace"),
        ("artifacts: ['../x']", "7:17", "leaves the workspace"),
        ("artifacts: [{paths: [a/../../x]}]", "7:26", "leaves the workspace"),
        ("artifacts: [a, {paths: [b]}]", "7:20", "two artifacts of this step are named 'build'"),
        ("artifacts: [{name: a/b, paths: [b]}]", "7:24", "is not a name of letters"),
        ("artifacts: [{paths: [b], expireIn: 99999h}]", "7:40", "is more than ten years"),
        ("cache: [{key: x, paths: [~/.cache]}]", "7:30", "leaves the workspace"),
        ("cache: [{key: x, paths: [~/.cache]}]", "7:30", "a variable such as PIP_CACHE_DIR"),
        ("services: [{name: a, image: b}, {name: a, image: c}]", "7:44", "two services of"),
        ("services: [{name: a, image: 'b c'}]", "7:33", "'b c' is not the name of an image"),
        ("services: [{name: a, image: b, readiness: {port: 1, timeout: 99999h}}]", "7:66", "ten"),
        ("privileged: true", "7:5", "reaches past the sandbox"),
        (
            "cache: [{key: \"${{ hashFiles('/etc/x') }}\", paths: [x]}]",
            "7:20",
            "leaves the workspace",
        ),
        ("cache: [{key: \"${{ hashFiles('a[') }}\", paths: [x]}]", "7:20", "a [ has no ]"),
        ("env: {A: '${{ matrix.a }}'}", "7:15", "matrix.a is not known: the file has no matrix"),
        ("env: {A: '${{ env.B }}'}", "7:15", "env.B is not known"),
        ("cache: [{key: \"${{ hashFiles('a' }}\", paths: [x]}]", "7:20", "is not a template"),
        ("cache: [{key: '${{ hashFiles }}', paths: [x]}]", "7:20", "hashFiles needs globs"),
        ("shell: ['${{ run.name }}']", "7:14", "templates are not evaluated here"),
    ],
)
def test_faults_in_a_step(lines, place, expected):
    found = faults(in_step(lines))
    assert any(line.startswith(f".c8s.yaml:{place}:") and expected in line for line in found), found


@pytest.mark.parametrize(
    ("count", "size", "fits"), [(1, 119_000, True), (1, 120_000, False), (1400, 10, False)]
)
def test_a_script_fits_into_one_argument(count, size, fits):
    commands = ", ".join(["x" * size] * count)
    text = HEAD + f"steps:\n  - name: a\n    image: b\n    commands: [{commands}]\n"
    if fits:
        assert len(load(text).steps[0].commands) == count
    else:
        (found,) = faults(text)
        assert found.startswith(".c8s.yaml:6:15: steps[0].commands: have 1")


def test_a_step_needs_an_image_from_somewhere():
    without = HEAD + "steps:\n  - name: build\n    commands: [make]\n"
    assert faults(without) == [
        ".c8s.yaml:4:5: steps[0]: needs 'image', here or in 'defaults'",
    ]
    assert load("defaults: {image: busybox}\n" + without).steps[0].image == "busybox"


def cycle(*edges: tuple[str, str]) -> str:
    """A file of steps of which each waits for one other."""
    steps = "".join(
        f"  - {{name: {name}, image: x, commands: [y], dependsOn: [{other}]}}\n"
        for name, other in edges
    )
    return HEAD + "steps:\n" + steps


def test_a_cycle_names_its_members_in_order():
    found = faults(cycle(("build", "test"), ("test", "build")))
    assert found == [
        ".c8s.yaml:4:56: steps[0].dependsOn[0]: these steps wait for each other:"
        " build -> test -> build"
    ]


@pytest.mark.parametrize("names", ["abcd", "bcda", "dcba", "cadb", "bdac"])
def test_a_cycle_is_told_from_the_step_that_comes_first(names):
    waits = {"a": "b", "b": "c", "c": "d", "d": "a"}
    begin = "abcd".index(names[0])
    circle = " -> ".join([*"abcd"[begin:], *"abcd"[:begin], names[0]])
    (found,) = faults(cycle(*((name, waits[name]) for name in names)))
    assert found.endswith(f"steps[0].dependsOn[0]: these steps wait for each other: {circle}")


def test_every_cycle_is_told():
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "f"), ("f", "e")]
    circles = [line.rpartition(": ")[2] for line in faults(cycle(*edges))]
    assert circles == ["a -> b -> c -> a", "e -> f -> e"]


def test_fields_that_reach_past_the_sandbox_are_allowed_by_name():
    text = in_step(
        """\
        runtimeClassName: gvisor
        serviceAccount: robot
        nodeSelector: {disk: ssd, gpu: true}
        tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
        privileged: true
        """
    )
    assert len(faults(text)) == len(POD_FIELDS)
    with pytest.raises(InvalidInput) as caught:
        load(text, allowed=Overrides(frozenset(POD_FIELDS) - {"privileged"}))
    assert [problem.path for problem in caught.value.problems] == ["steps[0].privileged"]
    pod = load(text, allowed=EVERYTHING).steps[0].pod
    assert (pod.runtime_class, pod.service_account, pod.privileged) == ("gvisor", "robot", True)
    assert pod.node_selector == {"disk": "ssd", "gpu": "true"}
    assert pod.tolerations == ({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},)


def test_what_cannot_be_allowed_is_refused():
    with pytest.raises(InvalidInput, match="'hostNetwork' cannot be allowed"):
        Overrides(frozenset({"hostNetwork"}))


def test_a_matrix_of_a_million_combinations_is_refused_and_can_be_raised_to_some():
    values = ", ".join(str(number) for number in range(100))
    dimensions = f"matrix: {{dimensions: {{a: [{values}], b: [{values}], c: [{values}]}}}}"
    assert "1000000 combinations are more than the 256 allowed" in faults(in_file(dimensions))[0]
    many = in_file(f"matrix: {{dimensions: {{a: [{values}], b: [1, 2, 3]}}}}")
    assert "300 combinations" in faults(many)[0]
    assert load(many, allowed=Overrides(combinations=300)).matrix is not None


def test_ten_thousand_faults_are_told_quickly_and_cut():
    step = "  - {{name: a{0}, image: x, commands: [y], dependsOn: [b{0}]}}\n"
    found = faults(HEAD + "steps:\n" + "".join(step.format(number) for number in range(10_000)))
    assert len(found) == 1001
    assert found[-1] == "and 9000 more problems"


def test_hostile_text_in_messages_is_shown_safely():
    found = faults(in_file('"\\e[31m\\u202ekey": x'))
    assert all(character.isprintable() for line in found for character in line)
    found = faults(in_file("k" * 5000 + ": x"))
    assert len(found[0]) < 300


def test_a_document_has_paths_instead_of_places():
    document = {"version": "v1alpha1", "name": "x", "steps": [{"name": "a", "image": "b"}]}
    with pytest.raises(InvalidInput) as caught:
        load_document(document)
    assert str(caught.value) == "steps[0]: needs 'commands' or 'entrypoint' with 'args'"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"env": {"A": 1.5}}, "env.A: 1.5 may have lost digits (put it in quotes)"),
        ({"commands": [True]}, "commands[0]: must be text, not true (write 'true' in quotes)"),
        ({"image": 1.25}, "image: must be text, not 1.25 (write '1.25' in quotes)"),
        ({"resources": {"cpu": 0.5}}, "resources.cpu: 0.5 may have lost digits"),
    ],
)
def test_a_document_has_lost_how_its_numbers_were_written(fields, expected):
    step = {"name": "a", "image": "b", "commands": ["c"], **fields}
    with pytest.raises(InvalidInput) as caught:
        load_document({"version": "v1alpha1", "name": "x", "steps": [step]})
    assert str(caught.value).startswith(f"steps[0].{expected}")
