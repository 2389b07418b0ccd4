"""What an engine says of containers, also where it stumbles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers import state

RUNNING = '{"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-21T08:57:12Z"}'


def engine(*answers: tuple[bool, str]) -> Any:
    """An engine that gives these answers, one after the other, and the last one for ever."""
    left = list(answers)

    def call(*_words: str) -> Any:
        ok, text = left.pop(0) if len(left) > 1 else left[0]
        return SimpleNamespace(ok=ok, output=text, words=text)

    return SimpleNamespace(program="podman", call=call, left=left)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_PAUSE_SECONDS", 0)


def test_it_is_asked_again_where_it_stumbles() -> None:
    client = engine((False, "reading its state: file changed"), (False, "busy"), (True, RUNNING))
    (found,) = state.inspect(client, ["c"])
    assert found.running


def test_it_is_not_asked_for_ever() -> None:
    with pytest.raises(Unavailable, match="podman does not tell of a container: busy"):
        state.inspect(engine((False, "busy")), ["c"])


@pytest.mark.parametrize(
    "words", ['no such container "c"', "Error: No such object: c", "no container with name or ID"]
)
def test_of_what_is_gone_it_is_asked_once(words: str) -> None:
    client = engine((False, words), (True, RUNNING))
    with pytest.raises(Unavailable, match="does not tell"):
        state.inspect(client, ["c"])
    assert client.left == [(True, RUNNING)]
