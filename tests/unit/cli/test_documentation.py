"""What is written about the command is true: help texts, examples, exit codes, links."""

from __future__ import annotations

import re
import shlex

import command_reference
import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core import errors

from c8s.cli.ending import Exit
from c8s.cli.main import main

PAGE = command_reference.PAGE.read_text(encoding="utf-8")
VERBS = [" ".join(words) for words in command_reference.verbs()]
SHELL = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def calls(text: str) -> list[list[str]]:
    """The words of every call of the command in lines of shell."""
    found = []
    for line in text.splitlines():
        code = re.split(r"(?:^|\s)#", line.strip())[0]
        code = re.sub(r"<\((?!c8s)[^)]*\)", "/dev/fd/63", code)
        # In help texts what an example means stands behind a gap.
        for part in re.split(r"[|<>();&]+|\$\(", re.split(r" {3,}", code)[0]):
            match = re.search(r"\bc8s (.*)", part)
            if match:
                found.append(shlex.split(match[1]))
    return found


def examples_of(verb: str) -> str:
    return command_reference.help_of(*verb.split()).partition("Examples:")[2]


def refused(words: list[str]) -> bool:
    """Whether the command knows no such verb or option."""
    return main([*words, "--help"]) != 0


def test_the_help_on_the_page_is_that_of_the_command():
    assert command_reference.page(PAGE) == PAGE, "run scripts/command_reference.py"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_on_the_page(verb: str):
    called = f"c8s {verb}".strip()
    assert f"$ {called} --help\nUsage: {called} " in PAGE


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_into_80_columns(verb: str):
    lines = command_reference.help_of(*verb.split()).splitlines()
    assert max(map(len, lines)) <= command_reference.WIDTH


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("", "get", "secret")])
def test_every_verb_has_examples_that_work(verb: str):
    found = calls(examples_of(verb))
    assert found
    for words in found:
        assert not refused(words), words


def test_so_do_those_of_the_page():
    found = [words for text in SHELL for words in calls(text)]
    assert len(found) >= 12
    for words in found:
        assert not refused(words), words


def test_a_wrong_example_would_be_seen():
    assert calls("x | c8s run --bogus   why # c8s no") == [["run", "--bogus"]]
    assert refused(["run", "--bogus"])
    assert refused(["rnu"])


def test_the_exit_codes_are_those_of_the_errors():
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.MULTILINE))
    kinds = [errors.C8sError, *errors.C8sError.__subclasses__()]
    assert set(table) == {str(kind.exit_code) for kind in kinds} | {str(int(code)) for code in Exit}
    for code, meaning in table.items():
        assert re.search(rf"^ +{code} +{re.escape(meaning.split(':')[0])}", PAGE, re.MULTILINE), (
            code
        )


@pytest.mark.parametrize("heading", re.findall(r"\]\(#([^)]+)\)", PAGE))
def test_every_link_on_the_page_leads_somewhere(heading: str):
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^-a-z0-9 ]", "", text.lower()).replace(" ", "-") for text in headings}
    assert heading in anchors


@pytest.mark.parametrize("path", re.findall(r"\]\(([^#)]+)\)", PAGE))
def test_every_file_it_speaks_of_is_there(path: str):
    assert (command_reference.PAGE.parent / path).exists()
