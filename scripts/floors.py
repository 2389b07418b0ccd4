"""Reads the imports of plugins/ and src/ and names every arrow that points up.

The floors are those of docs/architecture.md: a room may import from itself and from the rooms that
the table below gives it. The rooms of the domain touch nothing outside: no file, network, clock or
randomness. Imports count wherever they stand: nested in a function, relative, for types only.

usage: floors.py [CHECKOUT]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COLLECTION = "ansible_collections.c8s.ci"
MODULE_UTILS = f"{COLLECTION}.plugins.module_utils"

GROUND = ("core",)
DOMAIN = ("pipeline", "workflow", "worker", "masking")
ADAPTERS = ("kube", "images", "storage", "forges")
OPERATIONS = ("runs", "deployments", "fleet")
PLUGIN_DOORS = ("modules", "action", "inventory", "filter", "callback", "doc_fragments")
BELOW_DOORS = frozenset({*GROUND, *DOMAIN, *ADAPTERS, *OPERATIONS})

# What each room may import beside itself. A room that is not named here has no floor: an error.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "core": frozenset(),
    **{room: frozenset(GROUND) for room in (*DOMAIN, *ADAPTERS)},
    **{room: frozenset({*GROUND, *DOMAIN, *ADAPTERS}) for room in OPERATIONS},
    **{f"plugins/{room}": BELOW_DOORS for room in PLUGIN_DOORS},
    "c8s": frozenset(),
    "c8s/agent": BELOW_DOORS | {"c8s"},
    "c8s/cli": BELOW_DOORS | {"c8s"},
    "c8s/services": BELOW_DOORS | {"c8s"},
}

# The parts of the standard library that only compute.
PURE = frozenset(
    "__future__ abc ast base64 binascii bisect codecs collections contextlib copy dataclasses "
    "datetime decimal difflib enum fractions functools graphlib hashlib heapq hmac html "
    "ipaddress itertools json keyword math numbers operator re shlex string struct textwrap "
    "types typing unicodedata zlib".split()
)
# Pure by single names: the rest of these modules looks at the machine. They may be imported whole,
# and then each use is looked at.
PARTLY_PURE = frozenset("fnmatch pathlib posixpath urllib uuid".split())
PURE_NAMES = frozenset(
    "fnmatch.translate fnmatch.fnmatchcase pathlib.PurePath pathlib.PurePosixPath urllib.parse "
    "posixpath.normpath posixpath.join posixpath.basename posixpath.dirname "
    "posixpath.split posixpath.splitext posixpath.isabs posixpath.commonpath "
    "uuid.UUID uuid.uuid5".split()
)
OUTSIDE: dict[str, frozenset[str]] = {
    "core": frozenset({"yaml"}),
    "masking": frozenset({"hyperscan"}),
    "pipeline": frozenset({"jsonschema"}),
    "workflow": frozenset({"jsonschema"}),
    "worker": frozenset({"jsonschema"}),
}
# Parts that belong to one floor alone: who else imports them does that floor's work.
RESERVED: dict[str, tuple[str, ...]] = {
    "ansible": (*(f"plugins/{room}" for room in PLUGIN_DOORS), "c8s/cli", "c8s/services"),
    "typer": ("c8s/cli",),
    "rich": ("c8s/cli",),
    "fastapi": ("c8s/services",),
    "uvicorn": ("c8s/services",),
    "jinja2": ("c8s/services",),
}
IMPURE_CALLS = frozenset("open print input exec eval compile breakpoint codecs.open".split())
# Impure already when handed on, as in `default_factory=datetime.now`.
CLOCKS = frozenset(
    "datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today "
    "datetime.date.today".split()
)
DYNAMIC = frozenset({"importlib.import_module", "__import__"})


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def room_of_file(path: PurePosixPath) -> str | None:
    """The room a file stands in, None for a file that stands in none (`__init__.py` of all)."""
    parts = path.parts
    if parts[:2] == ("plugins", "module_utils"):
        return parts[2] if len(parts) > 3 else None
    if parts[0] == "plugins":
        return f"plugins/{parts[1]}"
    if parts[2:] == ("__main__.py",):
        return "c8s/cli"
    return "c8s" if len(parts) == 3 else f"c8s/{parts[2]}"


def room_of_module(name: str) -> str | None:
    """The room of a dotted module name of this project, None for anybody else's."""
    for root, prefix, depth in (
        (f"{MODULE_UTILS}.", "", 1),
        (f"{COLLECTION}.plugins.", "plugins/", 1),
        (f"{COLLECTION}.src.c8s.", "c8s/", 1),
        ("c8s.", "c8s/", 1),
    ):
        if name.startswith(root):
            room = prefix + name.removeprefix(root).split(".")[depth - 1]
            return "c8s" if prefix == "c8s/" and room not in MAY_IMPORT else room
    return "c8s" if name in ("c8s", f"{COLLECTION}.src.c8s") else None


def package_of(path: PurePosixPath) -> str:
    """The dotted package in which the relative imports of a file start."""
    parts = path.parts[1:] if path.parts[0] == "src" else (*COLLECTION.split("."), *path.parts)
    return ".".join(parts[:-1])


def aliases(tree: ast.AST) -> dict[str, str]:
    """The full names of what imports bind: d for `from datetime import date as d`."""
    bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                bound[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            bound.update(
                {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            )
    return bound


def dotted(node: ast.AST, bound: dict[str, str]) -> str:
    """The full dotted name that an expression speaks of, with `?` for what is computed."""
    if isinstance(node, ast.Name):
        return bound.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, bound)}.{node.attr}"
    return "?"


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Every import as line and dotted name; `from a import b` gives `a.b`."""
    bound = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func, bound) in DYNAMIC:
            match node.args:
                case [ast.Constant(value=str(name)), *_] if not name.startswith("."):
                    yield node.lineno, name
                case _:
                    yield node.lineno, "?"


def is_pure(name: str) -> bool:
    """Whether a dotted name of the standard library only computes."""
    return name.split(".")[0] in PURE or any(
        f"{name}.".startswith(f"{known}.") for known in PURE_NAMES
    )


def outside_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Uses of files, terminal, clock and randomness that need no import of their own."""
    bound = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func, bound) in IMPURE_CALLS:
            yield node.lineno, dotted(node.func, bound)
        elif isinstance(node, ast.Attribute):
            name = dotted(node, bound)
            of_module = isinstance(node.value, ast.Name) and node.value.id in bound
            if name in CLOCKS or (
                of_module and name.split(".")[0] in PARTLY_PURE and not is_pure(name)
            ):
                yield node.lineno, name


def fault_of_import(room: str, name: str) -> str | None:
    """What is wrong with `room` importing `name`, None if nothing is."""
    if name == "?":
        return "imports a module whose name is not written down: floors cannot be read"
    target = room_of_module(name)
    if target is not None:
        allowed = MAY_IMPORT[room] | {room}
        return None if target in allowed else f"{room} imports {name}: {room} may not see {target}"
    top = name.split(".")[0]
    if top in RESERVED and room not in RESERVED[top]:
        return f"{room} imports {name}: {top} belongs to {', '.join(RESERVED[top])}"
    harmless = is_pure(name) or name in PARTLY_PURE or top in OUTSIDE.get(room, frozenset())
    if room in DOMAIN and not harmless:
        return f"{room} imports {name}: the domain touches nothing outside"
    if room in GROUND and top not in sys.stdlib_module_names | OUTSIDE["core"]:
        return f"{room} imports {name}: the ground stands on the standard library and PyYAML"
    return None


def faults_of_source(source: str, path: PurePosixPath) -> Iterator[Fault]:
    """Everything that is wrong in one file, `path` being relative to the checkout."""
    tree = ast.parse(source, str(path))
    room = room_of_file(path)
    if room is None or room not in MAY_IMPORT:
        if tree.body:
            yield Fault(str(path), 1, f"stands in no room of the house ({room or 'none'})")
        return
    for line, name in imports(tree, package_of(path)):
        message = fault_of_import(room, name)
        if message:
            yield Fault(str(path), line, message)
    if room in DOMAIN:
        for line, name in outside_calls(tree):
            yield Fault(str(path), line, f"{room} uses {name}: the domain touches nothing outside")


def faults(checkout: Path) -> list[Fault]:
    """Everything that is wrong in the checkout, in order of place."""
    found: list[Fault] = []
    for root in ("plugins", "src"):
        for file in (checkout / root).rglob("*.py"):
            path = PurePosixPath(file.relative_to(checkout).as_posix())
            found += faults_of_source(file.read_text(encoding="utf-8"), path)
    return sorted(found)


def main(checkout: str = str(Path(__file__).resolve().parent.parent)) -> int:
    found = faults(Path(checkout))
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
