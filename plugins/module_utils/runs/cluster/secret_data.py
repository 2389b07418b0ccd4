"""What a Secret is to hold: gathered from literals, files and the environment, and judged."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...core.errors import C8sError, InvalidInput, Problem
from ...core.names import variable_name
from ...masking.forms import LEAST
from ...pipeline.faults import Faults
from ...pipeline.kinds import Text
from ...pipeline.vocabulary import OBJECT_NAME, SECRET_KEY, VARIABLE
from ...storage.input_file import input_file

Data = dict[str, bytes]
"""Key -> value."""

SIZE_LIMIT = 1024 * 1024
"""Of all values of one Secret together, in bytes, as the API server counts them."""
PUBLIC_KEYS = frozenset(["username"])
"""Of a secret to clone with: no secret itself, and often short."""

_ONE_LINE = re.compile(r"[^\r\n]+\r?\n")


def gathered(
    *,
    literals: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    environment: Mapping[str, str],
) -> Data:
    """The values of all keys: as they are, out of files, out of variables of the environment.

    A file that is one line of text loses the newline at its end, which editors add; one of several
    lines keeps it, for keys and certificates want it, and so does what is no text.
    Raises InvalidInput with every fault; no message shows a value.
    """
    problems: list[Problem] = []
    data: Data = {}
    sources: tuple[tuple[Mapping[str, Any] | None, Callable[[str], bytes]], ...] = (
        (literals, lambda value: value.encode("utf-8", "surrogateescape")),
        (files, lambda path: without_newline(input_file(pathlib.Path(path)))),
        (variables, lambda name: _variable(name, environment)),
    )
    for given, read in sources:
        for key, source in (given or {}).items():
            if key in data:
                problems.append(Problem(f"key {key!r} is given twice"))
            elif not isinstance(source, str):
                problems.append(Problem(f"key {key!r}: expected a string; put it in quotes"))
            else:
                try:
                    data[str(key)] = read(source)
                except C8sError as error:
                    problems.append(Problem(f"key {key!r}: {error}"))
    if problems:
        raise InvalidInput(*problems)
    return data


def without_newline(content: bytes) -> bytes:
    """The content less the newline at its end, where it is a single line of text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    return text.rstrip("\r\n").encode() if _ONE_LINE.fullmatch(text) else content


def _variable(name: str, environment: Mapping[str, str]) -> bytes:
    if name not in environment:
        raise InvalidInput(f"the environment has no variable {name!r}")
    return environment[name].encode("utf-8", "surrogateescape")


def judge(name: str, data: Data) -> None:
    """Raise InvalidInput with everything that a Secret of that name and content may not be.

    A value that is too short to be masked is refused by its key, never shown.
    """
    problems = list(_faults(name, data))
    if problems:
        raise InvalidInput(*problems)


def judge_size(name: str, data: Data) -> None:
    """Raise InvalidInput where all values together are more than the API server takes."""
    size = sum(map(len, data.values()))
    if size > SIZE_LIMIT:
        raise InvalidInput(
            f"secret {name!r} would hold {size} bytes; at most {SIZE_LIMIT} (1 MiB) are possible"
        )


def _faults(name: str, data: Data) -> Iterator[Problem]:
    if not _fits(OBJECT_NAME, name):
        yield Problem(
            f"{name[:80]!r} cannot be the name of a secret: small letters, digits, '-' and '.', at"
            " most 253 characters"
        )
    for key, value in data.items():
        if not _fits(SECRET_KEY, key) or key == "." or key.startswith(".."):
            yield Problem(
                f"{key[:80]!r} cannot be a key: letters, digits, '-', '_' and '.', at most 253"
                " characters, and not '.' or '..' at its beginning"
            )
        elif len(value) < LEAST and key not in PUBLIC_KEYS:
            yield Problem(
                f"the value of key {key!r} is shorter than {LEAST} bytes, too short to be masked"
                " in logs; use a longer value or a plain env variable"
            )


def advice(data: Data) -> list[str]:
    """What to know of keys that cannot be the names of variables."""
    return [
        f"key {key!r} cannot be the name of a variable: steps that use it say `envVar` or `file`"
        for key in data
        if not _fits(VARIABLE, key)
    ]


def references(name: str, keys: Iterator[str] | list[str]) -> list[dict[str, str]]:
    """How the steps of a pipeline refer to the keys, each an entry of `secrets`."""
    return [{"secretRef": name, "key": key, **_given_as(key)} for key in keys]


def snippet(entries: list[dict[str, str]]) -> str:
    """The entries as they are written in `.c8s.yaml`."""
    lines = [
        "  - {" + ", ".join(f"{name}: {value}" for name, value in entry.items()) + "}"
        for entry in entries
    ]
    return "\n".join(["secrets:", *lines])


def _given_as(key: str) -> dict[str, str]:
    if _fits(VARIABLE, key):
        return {}
    name = variable_name(key)
    return {"envVar": name} if _fits(VARIABLE, name) else {"file": key}


def _fits(kind: Text, text: str) -> bool:
    noted = Faults(written=True)
    kind.read(text, (), noted)
    return not noted.found
