"""The count at the end says what happened, also when a rung said nothing."""

from __future__ import annotations

from pathlib import Path

import ladder
import pytest
from ladder import Count

MAKEFILE = """\
good:
\tmkdir -p {results}/good && cp {cases} {results}/good/cases.xml
silent-failure:
\tfalse
nothing:
\ttrue
crash-after-results:
\tmkdir -p {results}/crash-after-results
\tcp {cases} {results}/crash-after-results/cases.xml; false
"""
CASES = """\
<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><system-out>noise</system-out></testcase>
<testcase name="c"><skipped/></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cases = tmp_path / "cases.xml"
    cases.write_text(CASES, encoding="utf-8")
    folder = tmp_path / "results"
    makefile = MAKEFILE.format(results=folder, cases=cases)
    (tmp_path / "Makefile").write_text(makefile, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKE", "make")
    # This may itself run below a make that talks to its children.
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    return folder


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", Count(passed=1)),
        ("<failure/>", Count(failed=1)),
        ("<error/>", Count(failed=1)),
        ("<skipped/>", Count(skipped=1)),
        ("<skipped/><error/>", Count(failed=1)),
    ],
)
def test_a_case_is_counted_for_what_it_is(tmp_path: Path, inside: str, expected: Count):
    text = f"<testsuite><testcase>{inside}</testcase></testsuite>"
    (tmp_path / "one.xml").write_text(text, encoding="utf-8")
    assert ladder.count(tmp_path) == expected


def test_a_result_that_was_cut_off_counts_as_failed(tmp_path: Path):
    (tmp_path / "cut.xml").write_text("<testsuite><testcase>", encoding="utf-8")
    assert ladder.count(tmp_path) == Count(failed=1)


@pytest.mark.parametrize(
    ("rungs", "last_line", "status"),
    [
        (["good"], "2 passed, 0 failed, 1 skipped", 0),
        (["good", "silent-failure"], "2 passed, 1 failed, 1 skipped", 1),
        (["silent-failure", "good"], "2 passed, 1 failed, 1 skipped", 1),
        (["nothing"], "0 passed, 1 failed", 1),
        (["crash-after-results"], "2 passed, 1 failed, 1 skipped", 1),
    ],
)
def test_the_last_line_is_honest(
    results: Path,
    capfd: pytest.CaptureFixture[str],
    rungs: list[str],
    last_line: str,
    status: int,
):
    assert ladder.climb(results, rungs) == status
    assert capfd.readouterr().out.splitlines()[-1] == last_line


def test_results_of_an_earlier_climb_do_not_count(results: Path, capfd: pytest.CaptureFixture[str]):
    (results / "nothing").mkdir(parents=True)
    (results / "nothing" / "old.xml").write_text(CASES, encoding="utf-8")
    assert ladder.climb(results, ["nothing"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"
