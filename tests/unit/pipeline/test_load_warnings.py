"""Advice: what is valid and still probably not meant."""

from __future__ import annotations

import textwrap

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, warnings

HEAD = "version: v1alpha1\nname: x\n"


def advice(text: str) -> list[str]:
    text = HEAD + textwrap.dedent(text)
    return [str(problem) for problem in warnings(load(text), text, "f.yaml")]


def of_step(lines: str, top: str = "") -> list[str]:
    step = f"steps:\n  - name: a\n{textwrap.indent(textwrap.dedent(lines), '    ')}\n"
    return advice(top + step)


def test_a_good_pipeline_gives_none():
    assert of_step("image: busybox:1.36\ncommands: [make]") == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("busybox", "f.yaml:5:12: steps[0].image: 'busybox' has no tag, so two runs may get"),
        ("a/b:latest", "f.yaml:5:12: steps[0].image: 'a/b:latest' has the tag 'latest'"),
        ("localhost:5000/x", "f.yaml:5:12: steps[0].image: 'localhost:5000/x' has no tag"),
        ("busybox:1", None),
        (f"x@sha256:{'0' * 64}", None),
        ("x:${{ run.number }}", None),
    ],
)
def test_images_that_move(image, expected):
    found = of_step(f"image: {image}\ncommands: [make]")
    assert [line[: len(expected)] for line in found] == [expected] if expected else found == []


def test_an_image_of_a_service_that_moves():
    found = of_step("image: x:1\ncommands: [x]\nservices: [{name: db, image: postgres}]")
    assert found == [
        "f.yaml:7:34: steps[0].services[0].image: 'postgres' has no tag, so two runs may get"
        " different images"
    ]


@pytest.mark.parametrize(("timeout", "count"), [("1h", 1), ("2h", 1), ("59m", 0)])
def test_a_timeout_that_never_comes(timeout, count):
    found = of_step(f"image: x:1\ncommands: [x]\ntimeout: {timeout}")
    assert len(found) == count
    assert all("f.yaml:7:14: steps[0].timeout: the timeout of the whole run" in x for x in found)


def test_the_default_timeout_is_nobodys_mistake():
    assert of_step("image: x:1\ncommands: [x]", "timeout: 10m\n") == []


def test_memory_that_is_not_enough():
    found = of_step("image: x:1\ncommands: [x]\nresources: {memory: 512}")
    assert found == [
        "f.yaml:7:25: steps[0].resources.memory: so little memory is not enough for any program"
    ]


def test_dimensions_that_nothing_uses():
    top = "matrix: {dimensions: {os: [a], go-version: [b], idle: [c]}}\n"
    commands = 'image: x:1\ncommands: ["echo ${{ matrix.os }} $C8S_MATRIX_GO_VERSION"]'
    found = of_step(commands, top)
    assert len(found) == 1
    assert found[0].startswith("f.yaml:3:55: matrix.dimensions.idle: nothing in this file uses")


@pytest.mark.parametrize(
    ("command", "warned"),
    [
        ("echo '${{ run.branch }}'", True),
        ('echo "${{ run.branch }}"', False),
        ("echo ${{ run.branch }}", False),
        ('echo "it\'s ${{ run.branch }}"', False),
        ("echo it\\'s ${{ run.branch }}", False),
        ("echo '\"' ${{ run.branch }}", False),
        ("x # it's\necho ${{ run.branch }}", False),
        ("echo 'a'\"b\"'${{ env.A }}'", True),
        ("echo '${{ run.commit }} ${{ run.name }}'", False),
        ("cat <<'END'\n${{ run.branch }}\nEND", False),
        ("echo a#'${{ run.branch }}'", True),
    ],
)
def test_what_single_quotes_keep(command, warned):
    block = textwrap.indent(command, "    ")
    found = of_step(f"image: x:1\nenv: {{A: b}}\ncommands:\n  - |\n{block}")
    assert len(found) == warned
    assert all("which single quotes keep as it is written" in line for line in found)


@pytest.mark.parametrize("text", ["echo {{ matrix.os }}", "echo {{run.branch}}"])
def test_braces_without_their_dollar(text):
    found = of_step(f"image: x:1\ncommands: ['{text}']")
    assert found == [
        "f.yaml:6:16: steps[0].commands[0]: {{ ... }} is no template; did you mean ${{ ... }}?"
    ]


def test_without_the_text_there_are_no_places():
    pipeline = load(HEAD + "steps: [{name: a, image: b, commands: [c]}]")
    (found,) = warnings(pipeline)
    assert str(found).startswith("steps[0].image: 'b' has no tag")
