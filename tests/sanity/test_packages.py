"""The tarball and the wheel hold what they should, and work where nothing else is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))
COLLECTION = "ansible_collections/c8s/ci"
# Folder under plugins/ and the type by which ansible-doc asks for it.
TYPES = {"modules": "module", "inventory": "inventory", "callback": "callback", "filter": "filter"}
PIPELINE = """\
version: v1alpha1
name: smallest
steps:
  - name: only
    image: busybox
    commands: ["true"]
"""


def tracked(tree: Path, *folders: str) -> set[str]:
    return {
        path.relative_to(tree).as_posix()
        for folder in folders
        for path in (tree / folder).rglob("*")
        if path.is_file()
    }


def plugins(tree: Path, folder: str) -> set[str]:
    """The full names of the plugins in a folder; a filter may be documented beside its code."""
    found = [*(tree / "plugins" / folder).glob("*.py"), *(tree / "plugins" / folder).glob("*.yml")]
    documented = [path for path in found if "DOCUMENTATION" in path.read_text("utf-8")]
    return {f"c8s.ci.{path.stem}" for path in documented}


def test_the_tarball_holds_all_of_the_collection(tree: Path, tarball: Path):
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    assert tracked(tree, "plugins", "playbooks", "roles", "meta", "examples") <= names
    assert {"README.md", "LICENSE", "MANIFEST.json", "FILES.json"} <= names


def test_the_tarball_of_a_used_checkout_holds_nothing_else(tree: Path, tmp_path: Path):
    """What tools leave in a checkout stays out of the package."""
    litter = [
        ".ansible/x", ".c8s/x", ".git/x", ".hypothesis/x", ".mypy_cache/x", ".pytest_cache/x",
        ".ruff_cache/x", ".venv/x", "dist/x", "plugins/modules/__pycache__/x.pyc",
        "c8s-ci-0.0.0.tar.gz", "tests/output/x", "node_modules/x",
    ]  # fmt: skip
    used = tmp_path / "used"
    subprocess.run(["cp", "-r", str(tree), str(used)], check=True)
    for name in litter:
        (used / name).parent.mkdir(parents=True, exist_ok=True)
        (used / name).write_text("litter", encoding="utf-8")
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), str(used)],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=used,
        check=True,
        capture_output=True,
    )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        names += [name.removeprefix(f"{COLLECTION}/") for name in archive.namelist()]
    assert [name for name in names if name in litter] == []


def test_galaxy_would_take_the_tarball(tarball: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    complaints = [line for line in said.splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)", line)]
    assert complaints == [], said
    assert "Importer processing completed successfully" in said


@pytest.mark.parametrize("package", ["with_tarball", "with_wheel"])
@pytest.mark.parametrize("folder", TYPES)
def test_every_plugin_is_documented_where_it_is_installed(
    package: str, folder: str, tree: Path, request: pytest.FixtureRequest
):
    environment = request.getfixturevalue(package)
    listed = environment.run("ansible-doc", "--json", "--list", "-t", TYPES[folder], "c8s.ci")
    expected = plugins(tree, folder)
    assert set(json.loads(listed)) == expected
    if expected:
        shown = environment.run("ansible-doc", "--json", "-t", TYPES[folder], *sorted(expected))
        assert set(json.loads(shown)) == expected


def test_the_wheel_holds_the_collection_and_the_command(tree: Path, wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = tracked(tree, "plugins", "playbooks", "roles", "meta", "examples")
    assert {f"{COLLECTION}/{name}" for name in shipped} <= names
    assert {name.removeprefix("src/") for name in tracked(tree, "src")} <= names
    parents = {"ansible_collections", "ansible_collections/c8s", COLLECTION}
    assert not names & {f"{parent}/__init__.py" for parent in parents}


def test_the_command_says_the_version_of_the_collection(with_wheel):
    assert GALAXY["version"] in with_wheel.run("c8s", "--version")


def test_the_command_validates_without_development_tools(with_wheel):
    (with_wheel.home / "smallest.yaml").write_text(PIPELINE, encoding="utf-8")
    assert "Valid!" in with_wheel.run("c8s", "validate", "smallest.yaml")


def test_the_installed_wheel_brings_no_development_tools(with_wheel):
    script = (
        "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    )
    installed = set(with_wheel.run("python", "-c", script).split())
    assert "c8s-ci" in installed
    assert not installed & {"pytest", "hypothesis", "mypy", "ruff", "ansible-lint", "moto"}


def test_the_installed_module_runs_under_ansible(with_tarball):
    """The collection finds its own rooms when Ansible packs a module for a task."""
    (with_tarball.home / "smallest.yaml").write_text(PIPELINE, encoding="utf-8")
    said = with_tarball.run(
        "ansible",
        "localhost",
        "--module-name",
        "c8s.ci.pipeline_validate",
        "--args",
        "src=smallest.yaml",
    )
    assert "SUCCESS" in said


def test_a_release_writes_the_changelog(tree: Path, tmp_path: Path):
    root = tmp_path / COLLECTION
    root.parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", str(tree), str(root)], check=True)
    fragments = sorted((root / "changelogs" / "fragments").glob("*.yml"))
    done = subprocess.run(
        ["antsibull-changelog", "release", "--date", "2026-01-01"],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    written = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    release = written["releases"][GALAXY["version"]]
    assert release["fragments"] == [fragment.name for fragment in fragments]
    assert "v0" in (root / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
