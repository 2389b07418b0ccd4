"""Templates: what they become, and that what others choose stays data in a real shell."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.environment import environment
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.expression import parse, quoted
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.scope import ALWAYS_SET
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Pipeline, Step
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.template import (
    Context,
    references,
    render,
    render_key,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

HOSTILE = [
    "x;touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "x|touch pwned",
    "x&&touch pwned",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "x\ntouch pwned",
    "${{ run.name }}",
    "${IFS}touch",
    "-rf",
    "../../x",
    "*",
    "\\",
    "",
]


def file_with(step: str, top: str = "") -> str:
    matrix = "matrix: {dimensions: {os: [linux, 'mac os'], py-version: [3.10]}}\n"
    head = f"version: v1alpha1\nname: x\n{matrix}{top}\nsteps:\n  - name: a\n"
    return head + "".join(f"    {line}\n" for line in step.splitlines())


def rendered(step: str, top: str = "", **known: object) -> Pipeline:
    text = file_with(step if "image:" in step else f"image: busybox\n{step}", top)
    matrix = {"os": "linux", "py-version": "3.10"}
    context = {"name": "x-7", "commit": "0" * 40, "branch": "main", "number": 7, "matrix": matrix}
    return render(load(text), Context(**{**context, **known}))  # type: ignore[arg-type]


def rendered_step(step: str, top: str = "", **known: object) -> Step:
    return rendered(step, top, **known).steps[0]


def test_values_are_put_in_where_no_program_reads_them():
    step = rendered_step(
        """\
image: img:${{ matrix.os }}-${{matrix.py-version}}
commands: [x]
env: {A: "${{ run.commit }} ${{  run.event  }} ${{ run.number }} ${{ run.name }}"}
when: {branch: "rel-${{ matrix.os }}"}
artifacts: [{name: "d-${{ matrix.os }}", paths: [x]}]
services: [{name: s, image: "db:${{ run.number }}", env: {B: "${{ run.branch }}"}}]""",
        event="push",
    )
    assert step.image == "img:linux-3.10"
    assert step.env == {"A": f"{'0' * 40} push 7 x-7"}
    assert step.when.branch == ("rel-linux",)
    assert step.artifacts[0].name == "d-linux"
    assert (step.services[0].image, step.services[0].env) == ("db:7", {"B": "main"})


def test_commands_refer_to_what_others_choose_and_paste_what_the_author_does():
    step = rendered_step(
        """\
commands:
  - echo ${{ run.branch }} "${{ run.tag }}" ${{ run.repository }} ${{ env.A }}
  - echo ${{ matrix.os }} ${{ run.commit }} ${{ run.name }} ${{ run.event }} ${{ run.number }}
  - echo ${{ env.TOKEN }} ${{ env.C8S_STEP }}
env: {A: x}
secrets: [{secretRef: s, key: TOKEN}]"""
    )
    assert step.commands == (
        'echo ${C8S_BRANCH} "${C8S_TAG}" ${C8S_REPOSITORY} ${A}',
        f"echo linux {'0' * 40} x-7 manual 7",
        "echo ${TOKEN} ${C8S_STEP}",
    )


def test_arguments_hold_the_values_themselves():
    step = rendered_step(
        'entrypoint: [/up]\nargs: ["${{ run.branch }}", "${{ env.A }}"]\nenv: {A: b}',
        branch="x;y",
    )
    assert step.args == ("x;y", "b")


def test_a_group_is_expanded():
    top = 'concurrency: {group: "deploy-${{ run.branch }}"}'
    pipeline = rendered("commands: [x]", top, branch="a/b")
    assert pipeline.concurrency is not None
    assert pipeline.concurrency.group == "deploy-a/b"


def test_variables_refer_to_each_other_and_to_those_around():
    pipeline = rendered(
        'commands: [x]\nenv: {A: "${{ env.A }}+", D: "${{ env.B }}", E: "${{ env.D }}!"}',
        'env: {B: "${{ env.A }}-${{ run.branch }}", A: one}',
    )
    assert pipeline.env == {"A": "one", "B": "one-main"}
    assert pipeline.steps[0].env == {"A": "one+", "D": "one-main", "E": "one-main!"}


def test_an_escaped_mark_is_literal():
    step = rendered_step("commands: ['echo $${{ matrix.os }} $$ ${x}']")
    assert step.commands == ("echo ${{ matrix.os }} $$ ${x}",)


def test_only_the_author_puts_wildcards_into_conditions():
    step = rendered_step(
        'commands: [x]\nwhen: {branch: ["${{ run.branch }}", "${{ matrix.os }}"]}',
        branch="*",
        matrix={"os": "rel-*", "py-version": "1"},
    )
    assert step.when.branch == ("\\*", "rel-*")


@pytest.mark.parametrize(
    ("branch", "name"),
    [("feature/x", "d-feature-x"), ("..", "d-.."), ("a b;c", "d-a-b-c"), ("ä/ö", "d--")],
)
def test_an_artifact_keeps_a_name_that_is_one(branch, name):
    step = rendered_step(
        'commands: [x]\nartifacts: [{name: "d-${{ run.branch }}", paths: [y]}]', branch=branch
    )
    assert step.artifacts[0].name == name


@given(st.text(max_size=300))
@example("..")
@example("../../etc")
@example("")
def test_an_artifact_that_is_all_template_has_a_safe_name(branch):
    step = 'image: b\ncommands: [x]\nartifacts: [{name: "${{ run.branch }}", paths: [y]}]'
    name = rendered_step(step, branch=branch).artifacts[0].name
    assert 0 < len(name) <= 128
    assert name not in (".", "..")
    assert not set(name) & set("/\\\0 \n")
    assert name[0] not in ".-"


@pytest.mark.parametrize("branch", ["a b", "-v", "x\ny", "", "a;b"])
def test_an_image_that_becomes_none_is_refused(branch):
    with pytest.raises(InvalidInput, match="step 'a': the image"):
        rendered_step('image: "${{ run.branch }}"\ncommands: [x]', branch=branch)


# --- cache keys --------------------------------------------------------------------------------


def cache_key(key: str, **known: object) -> str:
    step = rendered_step(f"commands: [x]\ncache: [{{key: '{key}', paths: [y]}}]", **known)
    return render_key(step.caches[0].key, lambda globs: f"<{'|'.join(globs)}>")


def test_a_key_is_hashed_when_there_are_files():
    key = '${{ matrix.os }}-${{ hashFiles("**/*.lock", "a b") }}-$${{ x }}'
    assert cache_key(key) == "linux-<**/*.lock|a b>-${{ x }}"


@given(st.text())
@example("${{ hashFiles('/etc/passwd') }}")
@example("$")
@example("x$")
@example("$${{")
@example("${{ '$' }}")
def test_a_branch_in_a_key_is_data(branch):
    key = '${{ run.branch }}${{ hashFiles("a") }}${{ run.branch }}{{'
    assert cache_key(key, branch=branch) == f"{branch}<a>{branch}{{{{"


@given(st.text(st.sampled_from("${} 'x"), max_size=12), st.text(st.sampled_from("${} x")))
def test_a_quoted_text_is_one_literal_whatever_follows(text, after):
    parts = parse(quoted(text) + "${{ run.name }}" + quoted(after))
    kept = [part for part in parts if isinstance(part, str)]
    assert "".join(kept) == text + after
    assert len(parts) - len(kept) == 1


# --- shells ------------------------------------------------------------------------------------

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "ksh") if shutil.which(shell)]


def run_commands(step: Step, shell: str, variables: dict[str, str], folder: str) -> str:
    path = os.environ["PATH"]
    finished = subprocess.run(
        [shell, "-eu", "-c", "\n".join(step.commands)],
        env={"PATH": path, **variables},
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
        timeout=20,
    )
    # Not in text mode, which would make a newline of a carriage return.
    return finished.stdout.decode()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("branch", HOSTILE)
def test_hostile_names_stay_data_in_a_real_shell(shell, branch, tmp_path):
    step = rendered_step(
        f"""\
shell: [{shell}, -c]
env: {{VIA: "to ${{{{ run.branch }}}}"}}
commands:
  - printf '<%s>' "${{{{ run.branch }}}}" "${{{{ env.VIA }}}}"
  - printf '[%s]' "at ${{{{ run.tag }}}}!\"""",
        branch=branch,
        tag=branch,
    )
    variables = {"C8S_BRANCH": branch, "C8S_TAG": branch, **step.env}
    shown = run_commands(step, shell, variables, str(tmp_path))
    assert shown == f"<{branch}><to {branch}>[at {branch}!]"
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60)
@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
    | st.lists(st.sampled_from([*HOSTILE, " ", "$", "'", '"', "\n"]), max_size=4).map("".join)
)
def test_no_name_is_ever_part_of_a_program(tmp_path_factory, branch):
    step = rendered_step(
        "commands: ['printf %s \"${{ run.branch }}\"']\nshell: [/bin/sh, -c]", branch=branch
    )
    assert step.commands == ('printf %s "${C8S_BRANCH}"',)
    folder = tmp_path_factory.getbasetemp()
    before = sorted(os.listdir(folder))
    assert run_commands(step, "/bin/sh", {"C8S_BRANCH": branch}, str(folder)) == branch
    assert sorted(os.listdir(folder)) == before


def test_what_a_shell_is_referred_to_is_always_set():
    """`sh -u` stops at a variable that is not set, so the names here are those of the run."""
    pipeline = load("version: v1alpha1\nname: x\nsteps: [{name: a, image: b, commands: [c]}]")
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    run = Run("x", "1", now, pipeline, {}, Trigger(), RunStatus())
    assert set(environment(run, pipeline.steps[0], "/workspace")) >= ALWAYS_SET


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ('commands: ["${{ run.brnch }}"]', "run.brnch is not known (did you mean 'run.branch'?)"),
        ('commands: ["${{ matrix.oss }}"]', "(did you mean 'matrix.os'?)"),
        ('commands: ["${{ matrix }}"]', "matrix is not known"),
        ('commands: ["${{ env.AB }}"]\nenv: {ABC: x}', "(did you mean 'env.ABC'?)"),
        ('commands: ["${{ secrets.X }}"]', "'secrets' of the step gives them as variables"),
        ('commands: ["${{ github.sha }}"]', "did you mean 'run'?"),
        ('commands: ["${{ run.message }}"]', "run.message is not known"),
        ('commands: ["${{ }}"]', "the template is empty"),
        ('commands: ["${{ run.name"]', "opens with ${{ and has no }} (write $${{"),
        ('commands: ["${{ run.name + 1 }}"]', "'run.name + 1' is not a template"),
        ('commands: ["${{ run.name }}${{ 1 }}${{ x.y }}"]', "'1' is not a template"),
        ("commands: [\"${{ hashFiles('a') }}\"]", "hashFiles is known only in cache keys"),
        (
            'commands: ["${{ env.T }}"]\nshell: [python3, -c]\nenv: {T: x}',
            "env.T must not become part of a program's text (let python3 read the variable T)",
        ),
        (
            "commands: [\"print('${{ run.branch }}')\"]\nshell: [/usr/bin/python3, -c]",
            "(let /usr/bin/python3 read the variable C8S_BRANCH)",
        ),
        (
            'entrypoint: [bash, -c, "echo ${{ run.branch }}"]',
            "(let bash read the variable C8S_BRANCH)",
        ),
        ('args: [python, "${{ run.tag }}"]', "(let python read the variable C8S_TAG)"),
        (
            'image: "${{ env.TOKEN }}"\ncommands: [x]\nsecrets: [{secretRef: s, key: TOKEN}]',
            "env.TOKEN is known only in commands",
        ),
        ('commands: [x]\nenv: {A: "${{ env.C8S_RUN }}"}', "env.C8S_RUN is known only in commands"),
        (
            'commands: [x]\nservices: [{name: s, image: i, commands: ["${{ run.branch }}"]}]',
            "run.branch is not set in a service (give it to the service by its 'env')",
        ),
        ('commands: [x]\nartifacts: ["${{ run.name }}"]', "templates are not evaluated here"),
        ('commands: [x]\ntimeout: "${{ run.name }}"', "is not a duration"),
        ('commands: [x]\ndependsOn: ["${{ matrix.os }}"]', "templates are not evaluated here"),
    ],
)
def test_what_cannot_be_evaluated_is_told_before_anything_runs(step, expected):
    text = file_with(step if "image:" in step.split("\n")[0] else f"image: busybox\n{step}")
    with pytest.raises(InvalidInput) as caught:
        load(text)
    assert any(expected in str(problem) for problem in caught.value.problems), str(caught.value)
    assert all(problem.line >= 5 for problem in caught.value.problems)


def test_every_template_has_its_own_place():
    text = file_with('image: b\ncommands: ["${{ a.b }} $${{ x }} ${{ run.name }} ${{ c.d }} ${{"]')
    with pytest.raises(InvalidInput) as caught:
        load(text)
    line = text.splitlines()[7]
    columns = [problem.column - 1 for problem in caught.value.problems]
    assert columns == [line.index("${{ a"), line.index("${{ c"), line.rindex("${{")]


def test_a_chain_of_variables_is_bounded():
    chain = ", ".join(f'A{n}: "${{{{ env.A{n + 1} }}}}"' for n in range(30))
    with pytest.raises(InvalidInput, match="refers through more than 20 variables"):
        load(file_with("image: b\ncommands: [x]", f"env: {{{chain}, A30: x}}"))


def test_templates_that_grow_without_measure_are_refused():
    doubling = ", ".join(
        f'A{n}: "{f"${{{{ env.A{n + 1} }}}}" * 20}"'
        for n in range(8)  # 20^8 copies
    )
    with pytest.raises(InvalidInput, match="expand to more than"):
        rendered("commands: [x]", f"env: {{{doubling}, A8: {'x' * 50}}}")


@pytest.mark.parametrize(
    "known",
    [
        {"name": "x;id"},
        {"name": ""},
        {"name": "x" * 64},
        {"commit": "HEAD"},
        {"commit": "$(id)"},
        {"commit": "0" * 65},
        {"commit": "abc"},
        {"event": "$(id)"},
    ],
)
def test_what_is_pasted_into_commands_is_checked(known):
    with pytest.raises(InvalidInput):
        Context(**{"name": "x", **known})


def test_a_run_without_a_value_is_told():
    with pytest.raises(InvalidInput, match=r"no value for the template matrix\.os"):
        rendered_step('commands: ["${{ matrix.os }}"]', matrix={})


def test_references_are_listed():
    found = references("a ${{ run.name }} $${{ run.tag }} ${{ hashFiles('a', \"b\") }} ${{ x")
    assert [str(reference) for reference in found] == ["run.name", "hashFiles('a', 'b')"]


@given(st.text(st.sampled_from("${}} run.name'hashFiles(),\n"), max_size=60))
def test_any_text_can_be_scanned(text):
    references(text)


def test_a_pipeline_without_templates_is_what_it_was():
    pipeline = load("version: v1alpha1\nname: x\nsteps: [{name: a, image: b, commands: [c]}]")
    assert render(pipeline, Context("run")) == pipeline
    assert render(pipeline, Context("run")).steps[0] is pipeline.steps[0]
