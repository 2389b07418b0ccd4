"""A file that is right becomes the pipeline that it describes, from text as from a document."""

from __future__ import annotations

import contextlib
import gc
import json
import textwrap
import time
from decimal import Decimal

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, Problem
from ansible_collections.c8s.ci.plugins.module_utils.core.quantities import Resources
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import (
    document,
    load,
    load_document,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import (
    DEFAULT_RESOURCES,
    DEFAULT_SHELL,
    Artifact,
    Cache,
    Clone,
    Concurrency,
    Matrix,
    Pipeline,
    Priority,
    Readiness,
    SecretRef,
    Service,
    Step,
    When,
    WhenStatus,
)
from hypothesis import example, given
from hypothesis import strategies as st

from unit.pipeline.documents import PIPELINES, broken_pipelines

SMALLEST = """\
version: v1alpha1
name: x
steps:
  - name: build
    image: busybox
    commands: [make]
"""


def load_step(lines: str, top: str = "") -> Step:
    return load(top + SMALLEST + textwrap.indent(textwrap.dedent(lines), "    ")).steps[0]


def test_the_smallest_file_has_every_default():
    step = Step(name="build", image="busybox", commands=("make",))
    assert load(SMALLEST) == Pipeline(name="x", steps=(step,))
    assert step.shell == DEFAULT_SHELL == ("/bin/sh", "-eu", "-c")
    assert step.requests == DEFAULT_RESOURCES == Resources(Decimal("0.5"), Decimal(2**30))
    pipeline = load(SMALLEST)
    assert (pipeline.timeout, step.timeout) == (3600, 1800)
    assert (pipeline.branches, pipeline.tags) == (("*",), ())
    assert pipeline.clone == Clone(depth=0)


def test_text_may_be_bytes_and_may_begin_with_a_mark():
    assert load(b"\xef\xbb\xbf" + SMALLEST.encode()) == load(SMALLEST)
    assert load(SMALLEST.replace("\n", "\r\n")) == load(SMALLEST)


def test_every_field_arrives():
    text = """\
    version: v1alpha1
    name: everything
    branches: [main, feature/*, '!wip/*']
    tags: [v*]
    timeout: 1h30m
    env: {DEBUG: true, PORT: 8080, RATIO: 1.50, EMPTY: ""}
    matrix:
      dimensions: {python: [3.9, 3.10], os: [linux]}
      include: [{python: 3.13, os: mac}]
      exclude: [{python: 3.9}]
      maxParallel: 2
      failFast: true
    retryPolicy: {maxRetries: 2, backoffSeconds: 5}
    failFast: true
    concurrency: {group: "deploy-${{ run.branch }}", cancelInProgress: true, max: 3}
    priority: high
    prepareAhead: true
    clone: {depth: 5, submodules: true, lfs: true, paths: [src]}
    steps:
      - name: test
        image: python:${{ matrix.python }}
        commands: [true, make test]
        shell: [bash, -c]
        env: {MODE: full}
        secrets:
          - {secretRef: registry, key: TOKEN}
          - {secretRef: registry, key: user.name, envVar: USER_NAME}
          - {secretRef: tls, key: tls.key, file: /secrets/tls/key.pem}
        resources: {cpu: 0.1, memory: 1.5Gi, ephemeralStorage: 2G, limits: {cpu: 2}}
        timeout: 90s
        when: {branch: main, event: [push, tag], paths: [src/**], status: failure}
        allowFailure: true
        artifacts:
          - dist/*.whl
          - {name: report, paths: [report.xml], expireIn: 48h}
          - log.txt
        cache:
          - {key: "pip-${{ hashFiles('*.lock') }}", paths: [.cache/pip]}
        services:
          - name: db
            image: postgres:16
            env: {POSTGRES_PASSWORD: x}
            ports: [5432]
            readiness: {port: 5432, timeout: 2m}
            commands: [serve]
          - {name: web, image: nginx, readiness: {port: 80, path: /ready}}
          - {name: kv, image: redis, readiness: {command: [redis-cli, ping]}}
      - name: publish
        image: uploader
        entrypoint: [/upload]
        args: [--commit, "${{ run.commit }}"]
        dependsOn: [test]
        retries: 0
    """
    test = Step(
        name="test",
        image="python:${{ matrix.python }}",
        commands=("true", "make test"),
        shell=("bash", "-c"),
        env={"MODE": "full"},
        secrets=(
            SecretRef("registry", "TOKEN", env_var="TOKEN"),
            SecretRef("registry", "user.name", env_var="USER_NAME"),
            SecretRef("tls", "tls.key", file="tls/key.pem"),
        ),
        requests=Resources(Decimal("0.1"), Decimal("1.5") * 2**30, Decimal(2 * 10**9)),
        limits=Resources(Decimal(2)),
        timeout=90,
        retries=2,
        when=When(("main",), (), ("push", "tag"), ("src/**",), WhenStatus.FAILURE),
        allow_failure=True,
        artifacts=(
            Artifact("test", ("dist/*.whl", "log.txt")),
            Artifact("report", ("report.xml",), 48 * 3600),
        ),
        caches=(Cache("pip-${{ hashFiles('*.lock') }}", (".cache/pip",)),),
        services=(
            Service(
                "db",
                "postgres:16",
                {"POSTGRES_PASSWORD": "x"},
                (5432,),
                Readiness(port=5432, timeout=120),
                ("serve",),
            ),
            Service("web", "nginx", readiness=Readiness(port=80, path="/ready")),
            Service("kv", "redis", readiness=Readiness(command=("redis-cli", "ping"))),
        ),
    )
    publish = Step(
        name="publish",
        image="uploader",
        entrypoint=("/upload",),
        args=("--commit", "${{ run.commit }}"),
        depends_on=("test",),
    )
    assert load(textwrap.dedent(text)) == Pipeline(
        name="everything",
        steps=(test, publish),
        branches=("main", "feature/*", "!wip/*"),
        tags=("v*",),
        timeout=5400,
        env={"DEBUG": "true", "PORT": "8080", "RATIO": "1.50", "EMPTY": ""},
        matrix=Matrix(
            dimensions={"python": ("3.9", "3.10"), "os": ("linux",)},
            include=({"python": "3.13", "os": "mac"},),
            exclude=({"python": "3.9"},),
            max_parallel=2,
            fail_fast=True,
        ),
        backoff=5,
        fail_fast=True,
        concurrency=Concurrency("deploy-${{ run.branch }}", True, 3),
        priority=Priority.HIGH,
        prepare_ahead=True,
        clone=Clone(5, True, True, ("src",)),
    )


def test_defaults_hold_where_a_step_says_nothing_else():
    top = (
        "defaults: {image: base, timeout: 5m, retries: 3, shell: [bash, -c],"
        " resources: {cpu: 2, memory: 2Gi, limits: {memory: 4Gi}}}\n"
        "retryPolicy: {maxRetries: 1}\n"
    )
    step = load_step("resources: {cpu: 1, limits: {cpu: 3}}", top)
    assert (step.image, step.timeout, step.retries) == ("busybox", 300, 3)
    assert step.shell == ("bash", "-c")
    assert step.requests == Resources(Decimal(1), Decimal(2 * 2**30))
    assert step.limits == Resources(Decimal(3), Decimal(4 * 2**30))
    own = load_step("timeout: 1m\nretries: 0\nshell: [sh, -c]", top)
    assert (own.timeout, own.retries, own.shell) == (60, 0, ("sh", "-c"))


@pytest.mark.parametrize(
    ("top", "retries"),
    [("", 0), ("retryPolicy: {maxRetries: 4}\n", 4), ("retryPolicy: {backoffSeconds: 1}\n", 0)],
)
def test_the_policy_is_the_default_of_retries(top, retries):
    assert load_step("", top).retries == retries


def test_a_limit_below_the_built_in_request_lowers_it():
    step = load_step("resources: {limits: {cpu: 100m, memory: 2Gi}}")
    assert step.requests == Resources(Decimal("0.1"), Decimal(2**30))
    assert step.limits == Resources(Decimal("0.1"), Decimal(2 * 2**30))


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("conditional: {branch: main}", WhenStatus.SUCCESS),
        ("conditional: {branch: main, onSuccess: true}", WhenStatus.SUCCESS),
        ("conditional: {branch: main, onSuccess: false}", WhenStatus.ALWAYS),
        ("when: {branch: main, status: failure}", WhenStatus.FAILURE),
    ],
)
def test_old_and_new_conditions(lines, status):
    assert load_step(lines).when == When(branch=("main",), status=status)


def test_false_switches_the_clone_off():
    assert load("clone: false\n" + SMALLEST).clone is None


def test_a_group_is_the_pipeline_where_none_is_named():
    assert load("concurrency: {max: 2}\n" + SMALLEST).concurrency == Concurrency("x", max=2)


def test_three_steps_with_default_timeouts_fit_the_default_of_the_run():
    steps = "".join(f"  - {{name: s{n}, image: x, commands: [y]}}\n" for n in range(3))
    assert len(load(f"version: v1alpha1\nname: x\nsteps:\n{steps}").steps) == 3


def test_words_that_older_yaml_takes_for_booleans_are_text():
    step = load_step("env: {A: yes, B: on, C: off, D: n}\nwhen: {branch: [on, 1.10, 007]}")
    assert step.env == {"A": "yes", "B": "on", "C": "off", "D": "n"}
    assert step.when.branch == ("on", "1.10", "007")


def test_anchors_and_merge_keys_spare_repetition():
    text = """\
    version: v1alpha1
    name: x
    steps:
      - &base {name: a, image: busybox, commands: [x], env: &env {A: 1}}
      - {<<: *base, name: b, env: {<<: *env, B: 2}}
    """
    assert load(textwrap.dedent(text)).steps[1] == Step(
        name="b", image="busybox", commands=("x",), env={"B": "2", "A": "1"}
    )


def test_a_pipeline_cannot_be_changed():
    pipeline = load("env: {A: x}\n" + SMALLEST)
    with pytest.raises(TypeError):
        pipeline.env["A"] = "y"  # type: ignore[index]
    with pytest.raises(AttributeError):
        pipeline.name = "y"  # type: ignore[misc]


# --- documents ---------------------------------------------------------------------------------


def test_a_document_is_what_was_written_with_scalars_as_they_are_meant():
    text = "env: {A: 3.10, B: true}\nfailFast: true\nretryPolicy: {maxRetries: 2}\n" + SMALLEST
    found = document(text)
    assert found["env"] == {"A": "3.10", "B": "true"}
    assert found["failFast"] is True
    assert found["retryPolicy"] == {"maxRetries": 2}
    assert json.loads(json.dumps(found)) == found
    assert load_document(found) == load(text)


@given(PIPELINES)
def test_a_record_can_embed_what_was_loaded(value):
    text = json.dumps(value, ensure_ascii=False)
    try:
        pipeline = load(text)
    except InvalidInput as error:
        with pytest.raises(InvalidInput) as caught:
            load_document(document(text))
        of_document = [problem.message for problem in caught.value.problems]
        of_text = [problem.message for problem in error.problems]
        assert sorted(of_document) == sorted(of_text)
    else:
        assert load_document(document(text)) == pipeline
        assert load_document(json.loads(json.dumps(document(text)))) == pipeline


# --- whatever the text -------------------------------------------------------------------------


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    try:
        load(text)
    except InvalidInput as error:
        return error.problems or (Problem(""),)
    return ()


def check_answer(text: str | bytes) -> None:
    """A pipeline, or problems of which each lies inside the file."""
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    lines = shown.removeprefix("\ufeff").split("\n")
    for problem in problems_of(text):
        assert problem.message
        if problem.line:
            assert problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(st.one_of(st.text(), st.binary()))
@example("")
@example(b"\xff\xfe")
@example("a: \ud800")
def test_no_text_is_answered_by_anything_but_problems(text):
    check_answer(text)


@given(broken_pipelines(), st.booleans(), st.randoms())
def test_no_broken_pipeline_is_answered_by_anything_but_problems(value, flow, random):
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    check_answer(text)
    cut = random.randrange(len(text) + 1)
    check_answer(text[:cut] + random.choice("\t\n:-[]{}&*!|>'\"%@`#${}") + text[cut:])
    check_answer(text[:cut])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_document_is_answered_by_anything_but_problems(value):
    for broken in (value, {"steps": value}, {"steps": [{"env": {"A": value}}]}):
        with contextlib.suppress(InvalidInput):
            load_document(broken)


# --- speed -------------------------------------------------------------------------------------


def file_of(count: int) -> str:
    """A file of that many steps, each waiting for one before it."""
    steps = "".join(
        f"  - name: step-{number}\n    image: busybox:1.36\n    commands:\n"
        f"      - echo {number}\n    dependsOn: [step-{number // 2}]\n"
        for number in range(1, count)
    )
    first = "  - name: step-0\n    image: busybox:1.36\n    commands: [echo]\n"
    return f"version: v1alpha1\nname: big\nsteps:\n{first}{steps}"


def seconds_to_load(count: int) -> float:
    text = file_of(count)
    best = float("inf")
    for _attempt in range(3):
        gc.collect()
        begin = time.process_time()
        assert len(load(text).steps) == count
        best = min(best, time.process_time() - begin)
    return best


def test_ten_thousand_steps_load_in_linear_time():
    few, many = seconds_to_load(1_000), seconds_to_load(10_000)
    # About 0.35 s on an idle core; other work on the machine is allowed for.
    assert many < 1.5
    assert many < few * 10 * 2.5


def test_a_chain_of_ten_thousand_steps_is_no_matter():
    steps = "".join(
        f"  - {{name: s{number}, image: x, commands: [y], dependsOn: [s{number + 1}]}}\n"
        for number in range(9_999)
    )
    last = "  - {name: s9999, image: x, commands: [y]}\n"
    assert len(load(f"version: v1alpha1\nname: x\nsteps:\n{steps}{last}").steps) == 10_000
