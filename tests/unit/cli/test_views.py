"""What is told of a launch in lines: for people, for programs, and at its end."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    Reason,
    StepStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import (
    Notice,
    RunChanged,
    StepChanged,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.failure import Failure
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_stream import LogPart

from c8s.cli.view import words
from c8s.cli.view.events_as_json import JsonView
from c8s.cli.view.joined import Joined
from c8s.cli.view.lines import PlainView
from c8s.cli.view.summary import Summary, options_for
from sample_runs import BORN, ended, in_phase, later, pipeline_text, run_of

TEXT = pipeline_text({"build": [], "test": ["build"]})
CLOCK = BORN.astimezone().strftime("%H:%M:%S")
RUN = run_of(TEXT, StepStatus("test", Phase.SKIPPED, message="when.tag: no tag"))


def told(*events: object) -> list[str]:
    lines: list[str] = []
    view = PlainView(lines.append, lambda: BORN)
    view.open()
    for event in events:
        view.take(event)  # type: ignore[arg-type]
    view.close()
    assert all(line.startswith(f"{CLOCK}  ") for line in lines)
    return [line.removeprefix(f"{CLOCK}  ") for line in lines]


def changed(status: StepStatus) -> StepChanged:
    return StepChanged(RUN, status, StepStatus(status.name))


def test_a_new_run_and_what_it_leaves_out():
    assert told(RunChanged(RUN, None)) == [
        "demo-1                    Pending    main@1a2b3c4",
        "demo-1/test               Skipped    when.tag: no tag",
    ]


def test_a_run_of_a_matrix_is_told_by_its_values():
    child = dataclasses.replace(RUN, matrix_values={"os": "mac"}, name="x" * 30)
    assert told(RunChanged(child, None))[0] == f"{'x' * 30}  Pending    os=mac"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (StepStatus("build", Phase.RUNNING, 1, start_time=BORN), "Running"),
        (StepStatus("build", Phase.RUNNING, 2, 1, start_time=BORN), "Running    attempt 2"),
        (ended("build"), "Succeeded  2.0s"),
        (
            ended("build", Phase.FAILED, message="ended with exit code 3"),
            "Failed     2.0s  exit code 3",
        ),
        (
            StepStatus("build", attempts=1, failures=1, reason=Reason.RETRY, message="again soon"),
            "Pending    again soon",
        ),
        (
            StepStatus("build", Phase.CANCELLED, message="cancelled by ada"),
            "Cancelled  cancelled by ada",
        ),
    ],
)
def test_a_step(status: StepStatus, line: str):
    assert told(changed(status)) == [f"demo-1/build              {line}"]


def test_getting_ready_is_not_worth_a_line():
    assert told(changed(StepStatus("build", attempts=1))) == []


def test_the_end_of_a_run():
    done = in_phase(RUN, Phase.FAILED, message="step 'build': it broke\nbadly")
    assert told(RunChanged(done, Phase.RUNNING)) == [
        "demo-1                    Failed     10s  step 'build': it broke"
    ]


def test_a_notice():
    assert told(Notice(RUN, "it goes on")) == ["it goes on"]


def test_lines_for_programs():
    lines: list[str] = []
    view = JsonView(lines.append, lambda: BORN)
    view.open()
    view.take(RunChanged(RUN, None))
    view.take(changed(ended("build", Phase.FAILED, exit_code=3, message="é")))
    view.take(Notice(RUN, "hm"))
    view.put({"event": "result", "record": {}})
    view.stopping()
    view.close()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["run", "step", "notice", "result"]
    assert {event["time"] for event in events} == {"2026-01-02T03:04:05.000000Z"}
    assert events[1]["exitCode"] == 3
    assert "é" in lines[1]
    assert all("\n" not in line for line in lines)


def summed(run: object, *failures: Failure, interrupted: bool = False) -> list[str]:
    summary = Summary(options_for("/a store"))
    titles = {failure.run: "os=mac" for failure in failures if failure.run != "demo-1"}
    return list(summary.lines(run, failures, titles, interrupted=interrupted))  # type: ignore[arg-type]


def test_after_a_success():
    assert summed(in_phase(RUN, Phase.SUCCEEDED)) == [
        "",
        "What its steps printed: c8s logs demo-1 --store '/a store'",
    ]


def test_after_a_failure():
    failure = Failure("demo-1", "build", "Failed", "StepFailed", "exit code 3", ("one", "two"))
    assert summed(in_phase(RUN, Phase.FAILED), failure) == [
        "",
        "build exit code 3",
        "| one",
        "| two",
        "  all of it: c8s logs demo-1 --step build --store '/a store'",
        "",
        "To run again what has not succeeded: c8s rerun demo-1 --failed --store '/a store'",
    ]


def test_after_many_failures():
    failures = [Failure(f"grid-{n}", "build", "Failed", "", "why") for n in range(5)]
    lines = summed(in_phase(RUN, Phase.FAILED), *failures)
    assert lines.count("build (os=mac) why") == 3
    assert "\n2 more steps failed: c8s get runs demo-1 --store '/a store'" in lines


def test_a_run_that_failed_without_a_step():
    failure = Failure("demo-1", "", "Failed", "Timeout", "too long")
    assert len(summed(in_phase(RUN, Phase.FAILED), failure)) == 2


def test_after_an_interruption():
    lines = summed(in_phase(RUN, Phase.CANCELLED), interrupted=True)
    assert lines[1] == "Interrupted: demo-1 is Cancelled; nothing of it runs any more."
    assert "c8s rerun demo-1 --failed" in lines[2]


def test_logs_side_by_side():
    stream = io.TextIOWrapper(io.BytesIO())
    joined = Joined(stream, "demo-1")
    for step, content in (
        ("build", b"one\ntw"), ("test", b"\xff\n"), ("build", b"o\n"), ("test", b"end"),
    ):  # fmt: skip
        joined.put(LogPart("demo-1", step, 1, content))
    joined.put(LogPart("demo-1-child", "build", 1, b"x\n"))
    joined.finish()
    joined.finish()
    stream.flush()
    assert stream.buffer.getvalue() == (  # type: ignore[attr-defined]
        b"build        | one\ntest         | \xff\nbuild        | two\n"
        b"demo-1-child/build | x\ntest               | end\n"
        b"test               | end\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"),
     (48 * 3600 - 1, "47h"), (48 * 3600, "2d"), (400 * 86400, "400d")],
)  # fmt: skip
def test_ages(seconds: float, text: str):
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536 * 1024**2, "1.5 GiB"),
     (5000 * 1024**5, "5000 PiB")],
)  # fmt: skip
def test_sizes(count: float, text: str):
    assert words.size(count) == text


def test_revisions_and_numbers():
    assert words.revision("1a2b3c4d5e", "main", "") == "main@1a2b3c4"
    assert words.revision("", "main", "v1") == "v1"
    assert words.revision("", "", "") == ""
    assert (words.plural(1, "run"), words.plural(2, "run")) == ("1 run", "2 runs")


def test_times_are_those_of_the_day_here():
    lines: list[str] = []
    PlainView(lines.append).take(Notice(RUN, "now"))
    shown = datetime.datetime.strptime(lines[0].split()[0], "%H:%M:%S")
    assert shown.minute in range(60)
    assert later(1) > BORN
