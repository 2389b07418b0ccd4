"""What a task or a file asks for in plain options, one run or many, as requests."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..pipeline.load import FILE_NAME
from ..pipeline.spec import Event
from ..storage.input_file import input_file
from .birth import Order
from .request import Request

FILES = ("src", "content", "file")
"""Options that say which pipeline: a file of the host, a text, a file of the repository."""
REVISION = ("repository", "commit", "branch", "tag", "event")
OWN = ("name", "idempotency_key")
"""Options that belong to one run alone."""

_ONE: dict[str, Any] = {
    "name": {"type": "str"},
    "src": {"type": "path"},
    "content": {"type": "str"},
    "file": {"type": "str"},
    "repository": {"type": "str"},
    "commit": {"type": "str"},
    "branch": {"type": "str"},
    "tag": {"type": "str"},
    "event": {"type": "str", "choices": [str(event) for event in Event]},
    # It opens nothing: it stands for a run.
    "idempotency_key": {"type": "str", "no_log": False},
}
_MANY = {"type": "list", "elements": "dict", "options": _ONE, "mutually_exclusive": [FILES]}
ARGUMENTS: dict[str, Any] = {**_ONE, "runs": _MANY}
"""The options as an argument specification of Ansible."""

Options = Mapping[str, Any]


class Judge(Protocol):
    """Turns requests into orders."""

    def orders(self, requests: Sequence[Request], *, with_secrets: bool = True) -> list[Order]:
        """Judge requests; InvalidInput with every problem of all of them."""

    def rerun_order(self, name: str, *, failed_only: bool, by: str) -> Order:
        """The order that runs an ended run again."""


def each(options: Options) -> list[dict[str, Any]]:
    """The options of each run: of those in `runs`, else the only one's.

    What an entry of `runs` does not say is taken from the outer option of the same name, but for
    what belongs to one run alone.
    """
    if options.get("runs") is None:
        return [{name: options.get(name) for name in (*FILES, *REVISION, *OWN)}]
    found = []
    for entry in options["runs"]:
        said = {name: value for name, value in entry.items() if value is not None}
        shared = REVISION if any(name in said for name in FILES) else (*FILES, *REVISION)
        found.append({**{name: options.get(name) for name in shared}, **said})
    return found


def names(options: Options) -> list[str]:
    """The names of the runs, empty where one has none."""
    return [wish.get("name") or "" for wish in each(options)]


def request(wish: Options, by: str) -> Request:
    """The request for one run. Raises NotFound or Denied where its file cannot be read."""
    text, file = b"", wish.get("file") or FILE_NAME
    if wish.get("content") is not None:
        text = str(wish["content"]).encode("utf-8", "surrogateescape")
    elif wish.get("src") is not None:
        path = pathlib.Path(wish["src"])
        path = path / FILE_NAME if path.is_dir() else path
        text, file = input_file(path), str(path)
    given = {name: wish.get(name) or "" for name in (*REVISION, *OWN)}
    return Request(text, file, by=by, **given)


def orders(options: Options, judge: Judge, by: str, *, with_secrets: bool = True) -> list[Order]:
    """What is to be launched, or with the option `rerun` (all, failed) to be run again."""
    if not options.get("rerun"):
        requests = [request(wish, by) for wish in each(options)]
        return judge.orders(requests, with_secrets=with_secrets)
    failed_only = options["rerun"] == "failed"
    return [
        dataclasses.replace(
            judge.rerun_order(wish.get("name") or "", failed_only=failed_only, by=by),
            idempotency_key=wish.get("idempotency_key") or "",
        )
        for wish in each(options)
    ]
