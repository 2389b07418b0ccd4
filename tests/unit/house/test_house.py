"""The habits of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
MOST_LINES = 400
# Names that say nothing of what a file holds.
EMPTY_NAMES = re.compile(r"(^|[_-])(utils?|helpers?|common|misc|managers?)$")
HEADER = (
    "# Copyright (c) 2026, the c8s.ci maintainers",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
DOORS = ("modules", "action", "inventory", "filter", "callback", "doc_fragments")


def files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [CHECKOUT / name for name in names.split("\0") if name]
    return [path for path in paths if path.is_file()]


def sources(suffix: str) -> list[Path]:
    return [path for path in files() if path.suffix == suffix]


def relative(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def is_long(path: Path) -> bool:
    return len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES


def is_in_plugins(path: Path) -> bool:
    return relative(path).startswith("plugins/")


def lacks_header(text: str) -> bool:
    lines = [line for line in text.splitlines() if not line.startswith("#!")]
    return tuple(lines[: len(HEADER)]) != HEADER


def modules_without_group(names: set[str], runtime: dict[str, object]) -> set[str]:
    groups = runtime.get("action_groups")
    members = groups.get("k8s", []) if isinstance(groups, dict) else []
    return names ^ {member for member in members if isinstance(member, str)}


def test_files_stay_short():
    assert [relative(path) for path in sources(".py") if is_long(path)] == []


def test_a_long_file_is_seen(tmp_path: Path):
    path = tmp_path / "long.py"
    path.write_text("x = 1\n" * (MOST_LINES + 1), encoding="utf-8")
    assert is_long(path)
    path.write_text("x = 1\n" * MOST_LINES, encoding="utf-8")
    assert not is_long(path)


def test_files_are_named_after_what_they_hold():
    folders = {folder for path in files() for folder in Path(relative(path)).parents}
    names = [Path(relative(path)) for path in sources(".py")]
    assert [str(name) for name in (*names, *folders) if EMPTY_NAMES.search(name.stem)] == [
        "plugins/module_utils"  # Ansible's own name
    ]


@pytest.mark.parametrize("name", ["utils", "kube_utils", "helper", "common", "run_manager"])
def test_an_empty_name_is_seen(name: str):
    assert EMPTY_NAMES.search(name)


@pytest.mark.parametrize("name", ["commons_io", "helper_image", "manage", "community"])
def test_a_telling_name_is_let_through(name: str):
    assert not EMPTY_NAMES.search(name)


def test_packages_of_plugins_are_empty():
    packages = [path for path in sources(".py") if is_in_plugins(path)]
    packages = [path for path in packages if path.name == "__init__.py"]
    assert [relative(path) for path in packages if path.read_bytes()] == []
    assert packages


def test_ansible_s_own_folders_are_no_packages():
    for folder in ("", "plugins", *(f"plugins/{door}" for door in DOORS)):
        assert not (CHECKOUT / folder / "__init__.py").exists(), folder


def test_every_room_is_a_package():
    rooms = {path.parent for path in sources(".py") if "module_utils" in path.parts}
    assert [relative(room) for room in rooms if not (room / "__init__.py").exists()] == []


def test_plugins_carry_the_licence_header():
    doors = [path for path in sources(".py") if path.parent.parent == CHECKOUT / "plugins"]
    doors = [path for path in doors if path.parent.name in DOORS]
    missing = [relative(path) for path in doors if lacks_header(path.read_text(encoding="utf-8"))]
    assert missing == []


def test_a_missing_licence_header_is_seen():
    assert lacks_header('"""A module."""\n')
    assert not lacks_header("\n".join((*HEADER, "", '"""A module."""')))
    assert not lacks_header("\n".join(("#!/usr/bin/python", *HEADER)))


def test_rooms_begin_with_a_docstring():
    rooms = [path for path in sources(".py") if "module_utils" in path.parts]
    bare = [
        relative(path)
        for path in rooms
        if path.stat().st_size and ast.get_docstring(ast.parse(path.read_bytes())) is None
    ]
    assert bare == []


def test_every_module_is_in_the_action_group():
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    names = {path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py")}
    assert modules_without_group(names, runtime) == set()


def test_a_module_outside_the_group_is_seen():
    runtime: dict[str, object] = {"action_groups": {"k8s": ["pipeline_run", "gone"]}}
    assert modules_without_group({"pipeline_run", "pipeline"}, runtime) == {"pipeline", "gone"}


def test_the_version_stands_in_one_place():
    galaxy = (CHECKOUT / "galaxy.yml").read_text(encoding="utf-8")
    version = yaml.safe_load(galaxy)["version"]
    number = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.])")
    places = [
        relative(path)
        for path in files()
        if path.suffix in {".py", ".toml", ".yml", ".yaml", ".cfg"}
        and re.search(rf"version(?!_added).*{number.pattern}", path.read_text(encoding="utf-8"))
    ]
    # What a release writes down of itself is history, not a second place.
    history = {"changelogs/changelog.yaml"}
    assert set(places) - history == {"galaxy.yml"}


def test_nothing_is_skipped():
    marks = re.compile(r"pytest\.(mark\.(skip|skipif|xfail)|skip\(|xfail\(|importorskip)")
    tests = [path for path in sources(".py") if relative(path).startswith("tests/")]
    skipping = [relative(path) for path in tests if marks.search(path.read_text("utf-8"))]
    assert skipping == []


def test_ignore_lists_are_empty():
    assert [relative(path) for path in files() if path.name.startswith("ignore-")] == []
