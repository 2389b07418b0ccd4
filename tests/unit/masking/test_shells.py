"""Secrets as the real shells print them: traces, %q, declare and export."""

from __future__ import annotations

import os
import shutil
import string
import subprocess

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import MARKER, Secrets
from hypothesis import example, given, settings
from hypothesis import strategies as st

TRACED = """
X="$SECRET"
echo "$X" >/dev/null
echo "pre$X"post "Auth: $X" >/dev/null
Y="$X"
Z="two words $X"
export W="$X"
[ "$X" = no ]
test "$X" "!=" "($X)"
for word in "$X" "a$X"; do :; done
case "$X" in never) ;; esac
"""
# What `declare -p` and `set` print of other variables has nothing to do with it.
BASH = r"""
X=$SECRET
printf '%q\n' "$X" "pre$X"
declare -p X
echo "${X@Q}" "${X@A}"
export V="$X"; export -p | grep -A9 ' V='
"""
DASH = """
X=$SECRET
export X; export -p | sed -n '/^export X=/,/^export/p'
"""

WORDS = string.ascii_letters + string.digits + string.punctuation + " \t\n\x1b\x7f\N{SNOWMAN}\xe9"
passwords = st.text(st.sampled_from(WORDS), min_size=6, max_size=20).filter(
    lambda text: len(text.strip()) >= 6 and text == text.strip("\n")
)


def printed(shell: list[str], script: str, secret: str, locale: str) -> str:
    program = shutil.which(shell[0])
    assert program, f"{shell[0]} is not installed; the tests need it"
    run = subprocess.run(
        [program, *shell[1:], "-c", script],
        env={"PATH": os.environ["PATH"], "LC_ALL": locale, "SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return run.stdout.decode("utf-8", "surrogateescape")


def without_quotes(text: str) -> str:
    """Shells put quotes around a word for the sake of any letter in it."""
    return "".join(character for character in text if character not in "'\"\\$")


def assert_masked(shell: list[str], script: str, secret: str, locale: str) -> None:
    masked = Secrets([secret]).mask_text(printed(shell, script, secret, locale))
    expected = printed(shell, script, "PLACEHOLDER", locale).replace("PLACEHOLDER", MARKER)
    assert MARKER in expected
    assert without_quotes(masked) == without_quotes(expected)


HARD = [
    "it's a$b",
    "'leading",
    "trailing'",
    "a''b\"c'''d",
    "back\\slash`x`",
    "new\nline's",
    "\x1b[0;1m'",
]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("shell", [["sh"], ["bash"], ["bash", "--posix"], ["dash"]], ids=" ".join)
@settings(max_examples=30)
@given(secret=passwords)
def test_traces(shell: list[str], locale: str, secret: str) -> None:
    assert_masked([*shell, "-x"], TRACED, secret, locale)


@pytest.mark.parametrize("secret", HARD)
@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_traces_of_hard_ones(shell: str, secret: str) -> None:
    assert_masked([shell, "-x"], TRACED, secret, "C.UTF-8")


@pytest.mark.parametrize(
    ("secret", "trace"),
    [
        ("it''s me", """echo 'it'"''"'s me'"""),  # busybox
        ("'one'two", """echo ''"'"'one'"'"'two'"""),
        ("one'two'", """echo 'one'"'"'two'"'\""""),
        ("it''s me", r"""echo 'it'\'\''s me'"""),  # zsh, mksh
        ("'one'two", r"""echo \''one'\''two'"""),
        ("one'two'", r"""echo 'one'\''two'\'"""),
        ("a'b\x1bcd\x7fe", r"""echo $'a\'b\C-[cd\C-?e'"""),  # zsh
        ("a'b\x1bcd\x7fe", r"""echo $'a\047b\Ecd\177e'"""),  # mksh
    ],
)
def test_traces_as_recorded_of_other_shells(secret: str, trace: str) -> None:
    assert without_quotes(Secrets([secret]).mask_text(trace)) == f"echo {MARKER}"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@settings(max_examples=40)
@given(secret=passwords)
@example(secret="tilde~in#it")
@example(secret="x=~~:~#")
@example(secret="~tilde#")
@example(secret="#hash~")
def test_what_bash_quotes(locale: str, secret: str) -> None:
    assert_masked(["bash"], BASH, secret, locale)


@settings(max_examples=30)
@given(secret=passwords)
def test_what_dash_exports(secret: str) -> None:
    assert_masked(["dash"], DASH, secret, "C.UTF-8")


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
@pytest.mark.parametrize(
    "secret", ["first line\n  second  line\n\nend", "ab\ncd\nef", "a  b  c  d"]
)
def test_flattened_by_echo(shell: str, secret: str) -> None:
    masked = Secrets([secret]).mask_text(printed([shell], 'echo "<"$SECRET">"', secret, "C"))
    assert masked == f"<{MARKER}>\n"


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_indented_by_sed(shell: str) -> None:
    secret = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\n/ab=\n-----END KEY-----\n"
    script = 'printf %s "$SECRET" | sed "s/^/    /"; printf %s "$SECRET" | sed "s/$/\r/"'
    masked = Secrets([secret]).mask_text(printed([shell], script, secret, "C"))
    assert masked == f"    {MARKER}\n{MARKER}\r\n"
