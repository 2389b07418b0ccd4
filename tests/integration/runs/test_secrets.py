"""Secrets reach the step that asks for them, and nothing and nobody else."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput

from host_yard import Yard

VALUE = "Tr0ub4dor&3-horse'battery"
NOTE = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"
MARKER = "***REDACTED***"


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path, secrets={"app": {"token": VALUE, "key": NOTE, "short": "abc"}})


def with_secret(*commands: str, **wanted: str) -> dict[str, object]:
    wanted = wanted or {"envVar": "TOKEN"}
    return {"commands": list(commands), "secrets": [{"secretRef": "app", "key": "token", **wanted}]}


def test_as_a_variable(yard: Yard):
    printed = yard.output(with_secret('echo "${#TOKEN}"; echo "$TOKEN"'))
    assert printed == f"{len(VALUE)}\n{MARKER}\n"


def test_as_a_file_that_only_its_owner_reads(yard: Yard):
    step = {
        "commands": ["stat -c %a $C8S_SECRETS/deploy.key; wc -c <$C8S_SECRETS/deploy.key",
                     "cat $C8S_SECRETS/deploy.key"],
        "secrets": [{"secretRef": "app", "key": "key", "file": "deploy.key"}],
    }  # fmt: skip
    lines = yard.output(step).splitlines()
    assert lines[:2] == ["400", str(len(NOTE))]
    assert "MIIEvQIBADANBgkq" not in "".join(lines)


def test_only_the_step_that_asks_has_it(yard: Yard):
    run = yard.run(
        {"has": with_secret("true"), "has-not": ["env; ls -A $C8S_SECRETS; echo ${TOKEN-none}"]}
    )
    assert yard.log(run.name, "has-not").endswith("\nnone\n")


@pytest.mark.parametrize(
    ("secret", "key", "told"),
    [
        ("app", "tokem", "key 'tokem' is not in secret 'app'"),
        ("apq", "token", "secret 'apq' was not given; did you mean 'app'"),
        ("app", "short", "shorter than 6 bytes"),
    ],
)
def test_what_cannot_be_given_is_refused_before_anything_starts(
    yard: Yard, secret: str, key: str, told: str
):
    with pytest.raises(InvalidInput, match=told) as caught:
        yard.run(
            {
                "first": [f"touch {yard.folder}/started"],
                "second": {
                    "commands": ["true"],
                    "secrets": [{"secretRef": secret, "key": key, "envVar": "X"}],
                },
            }
        )
    assert not (yard.folder / "started").exists()
    assert not yard.store.exists()
    assert VALUE not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_every_problem_of_every_step_is_told_at_once(yard: Yard):
    ask = {"commands": ["true"], "secrets": [{"secretRef": "no", "key": "k", "envVar": "X"}]}
    with pytest.raises(InvalidInput) as caught:
        yard.run({"one": ask, "two": ask})
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "command",
    [
        'printf %s "$TOKEN" | cut -c1-9 | tr -d "\\n"; sleep 0.3; printf %s "$TOKEN" | cut -c10-',
        'printf %s "$TOKEN" | base64',
        'printf %s "$TOKEN" | od -An -tx1 | tr -d " \\n"',
        "set -x; : $TOKEN",
        'for i in 1 2 3; do printf "%s" "$TOKEN"; done',
        'sh -c "echo \\"\\$TOKEN\\" >&2"',
        'printf "%s" "$TOKEN"; exit 3',
        'trap "" TERM; printf "%s" "$TOKEN"; kill -9 $$',
    ],
)
def test_it_is_masked_however_it_is_printed(yard: Yard, command: str):
    run = yard.run({"only": with_secret(command)})
    raw = yard.records.log(run.name, "only", 1).read_bytes()
    assert MARKER.encode() in raw
    assert_clean(raw)


def test_it_is_masked_where_the_output_was_cut(tmp_path: Path):
    """Masking comes before the cap, so no half of a secret stands at the cut."""
    yard = Yard(tmp_path, secrets={"app": {"token": VALUE}}, log_cap=1000)
    run = yard.run({"only": with_secret('i=0; while [ $i -lt 400 ]; do i=$((i+1));'
                                        ' printf "%s" "$TOKEN"; done')})  # fmt: skip
    assert_clean(yard.records.log(run.name, "only", 1).read_bytes())


def test_another_steps_secret_is_masked_too(yard: Yard):
    passing = with_secret("echo $TOKEN | rev >handed")
    passing["artifacts"] = [{"name": "out", "paths": ["handed"]}]
    run = yard.run({"one": passing, "two": {"commands": ["rev handed"], "dependsOn": ["one"]}})
    assert yard.log(run.name, "two") == f"{MARKER}\n"


def test_the_store_holds_no_byte_of_it(yard: Yard):
    step = with_secret(
        'echo "$TOKEN"; echo "$TOKEN" >file; printf "%s" "$TOKEN" | base64 >file64; exit 9'
    )
    step["artifacts"] = [{"name": "out", "paths": ["file*"]}]
    yard.run({"only": step, "rest": with_secret("true")})
    for path in yard.store.rglob("*"):
        if path.is_file():
            assert_clean(path.read_bytes())
    assert list(yard.workspaces.iterdir()) == []


def test_no_command_line_shows_it(yard: Yard, command_lines: set[bytes]):
    step = with_secret("sleep 0.5")
    step["secrets"].append({"secretRef": "app", "key": "key", "file": "k"})
    yard.run({f"n-{number}": step for number in range(3)})
    assert any(b"sleep" in line for line in command_lines)
    for line in command_lines:
        assert_clean(line)


def assert_clean(content: bytes) -> None:
    """No form of any secret is in there."""
    for value in (VALUE, "MIIEvQIBADANBgkq"):
        raw = value.encode()
        for form in (raw, base64.b64encode(raw)[:-4], raw.hex().encode(), raw[:12], raw[-12:]):
            assert form not in content


@pytest.fixture
def command_lines() -> Iterator[set[bytes]]:
    """Every command line on this host that is seen while the test goes on."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()
