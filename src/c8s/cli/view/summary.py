"""What is said at the end of a launch: why it failed, and what to look at next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.failure import Failure

from ..cluster import UNNAMED, Cluster
from ..terminal import paint
from . import words

SHOWN = 3


class Summary:
    """The end of a launch. `options` are what has to be given again to find the run."""

    def __init__(self, options: str = "") -> None:
        self._options = options

    def lines(
        self,
        run: Run,
        failures: Sequence[Failure],
        titles: Mapping[str, str],
        *,
        interrupted: bool,
    ) -> Iterator[str]:
        """For the run that was asked for, and what made it fail.

        `titles` tell the children of a matrix by what people know them by.
        """
        steps = [failure for failure in failures if failure.step]
        for failure in steps[:SHOWN]:
            yield ""
            yield from self._failure(failure, titles.get(failure.run, ""))
        if len(steps) > SHOWN:
            more = words.plural(len(steps) - SHOWN, "more step")
            yield f"\n{more} failed: {self._command('get runs', run.name)}"
        yield ""
        if interrupted:
            yield f"Interrupted: {run.name} is {run.status.phase}; nothing of it runs any more."
        if run.status.phase is Phase.SUCCEEDED:
            yield paint(f"What its steps printed: {self._command('logs', run.name)}", "dim")
        else:
            yield self._again(run)

    def _failure(self, failure: Failure, title: str) -> Iterator[str]:
        what = paint(failure.step, "red", bold=True) + (f" ({title})" if title else "")
        yield f"{what} {failure.message or failure.reason}"
        for line in failure.lines:
            yield f"{paint('|', 'red')} {line}"
        all_of_it = self._command("logs", failure.run, "--step", failure.step)
        yield paint(f"  all of it: {all_of_it}", "dim")

    def _again(self, run: Run) -> str:
        return (
            f"To run again what has not succeeded: {self._command('rerun', run.name, '--failed')}"
        )

    def _command(self, *parts: str) -> str:
        return " ".join(["c8s", *parts]) + self._options


def options_for(store: str, cluster: Cluster = UNNAMED) -> str:
    """What the commands that are named need, to look at the same place."""
    given = {
        "--context": cluster.context,
        "--namespace": cluster.namespace,
        "--kubeconfig": cluster.kubeconfig,
        "--executor": cluster.executor if cluster.named and not cluster.placed else "",
        "--store": store,
    }
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)
