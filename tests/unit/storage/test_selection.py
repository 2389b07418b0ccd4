"""Files picked by globs, without a way out of their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.storage.selection import (
    digest,
    inside,
    select,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for name in ("a.txt", "d/b.txt", "d/e/c.txt", "d/e/.h", "x[1].txt", "rel-1/app"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "private").write_text("")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    (folder / "current").symlink_to("rel-1")
    (folder / "dangling").symlink_to("nowhere")
    return folder


ALL = {"a.txt", "d/b.txt", "d/e/c.txt", "d/e/.h", "x[1].txt", "rel-1/app", "out", "loop",
       "current", "dangling"}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (".", ALL),
        ("**", ALL),
        ("**/**/**", ALL),
        ("*", ALL),
        ("./d//e/", {"d/e/c.txt", "d/e/.h"}),
        ("**/*.txt", {"a.txt", "d/b.txt", "d/e/c.txt", "x[1].txt"}),
        ("d/**/c.txt", {"d/e/c.txt"}),
        ("**/e/**/.h", {"d/e/.h"}),
        ("x[[]1].txt", {"x[1].txt"}),
        ("x[1].txt", set()),
        ("current/app", {"current/app"}),
        ("current", {"current"}),
        ("out", {"out"}),
        ("out/private", set()),
        ("out/*", set()),
        ("*/private", set()),
        ("loop/a.txt", {"loop/a.txt"}),
        ("*/a.txt", set()),
        ("nowhere/*", set()),
        ("a.txt/*", set()),
        ("A.TXT", set()),
    ],
)
def test_what_a_pattern_picks(root: Path, pattern: str, names: set[str]):
    assert {str(path) for path in select(root, [pattern])} == names


@pytest.mark.parametrize("pattern", ["../outside", "/etc/passwd", "d/../../outside", ".."])
def test_a_pattern_that_points_out_is_refused(root: Path, pattern: str):
    with pytest.raises(InvalidInput, match="points out of the workspace"):
        select(root, [pattern])


@pytest.mark.timeout(20)
def test_many_stars_over_deep_folders_take_no_time(tmp_path: Path):
    deep = tmp_path
    for _level in range(60):
        deep = deep / "a"
    deep.mkdir(parents=True)
    (deep / "f").write_text("")
    assert select(tmp_path, ["**/a" * 12 + "/**/b"]) == []
    assert len(select(tmp_path, ["**/a" * 12 + "/**/f"])) == 1


def test_inside_follows_links(root: Path):
    assert inside(root, root)
    assert inside(root, root / "current" / "new")
    assert not inside(root, root / "out" / "new")
    assert not inside(root, Path(f"{root}-beside"))


def test_a_digest_is_of_names_and_contents(root: Path):
    before = digest(root, ["**/*.txt"])
    assert digest(root, ["*.txt", "d"]) != before
    (root / "a.txt").write_text("changed")
    assert digest(root, ["**/*.txt"]) != before
