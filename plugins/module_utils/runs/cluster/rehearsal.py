"""What a cluster would say to a launch: asked of it by looks and dry runs, with nothing made.

However many runs there are, each look is made once, and of Jobs that are alike one is tried.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from ...core.errors import C8sError, Denied
from ...kube.access import missing
from ...kube.kinds import LIMIT_RANGE, PRIORITY_CLASS, RESOURCE_QUOTA, RUNTIME_CLASS, SECRET, Kind
from ...kube.resources import Resources
from ...pipeline.demand import peak_amounts
from ...pipeline.graph import Graph
from ...pipeline.pod import JobSettings, needs_carrier
from ...pipeline.pod_charge import Amounts, charge, out_of_range, with_defaults
from ...pipeline.quota import Room, Verdict, counts, refusals, verdicts
from ...pipeline.spec import Step
from ...storage.objects import Objects
from ..forecast import Forecast
from . import rights
from .known_runs import KnownRuns
from .lookups import Lookups, Manifest
from .planned_jobs import Member, PlannedJob, members, planned_jobs
from .trial import Said, Trial

MOST_TRIALS = 200
"""Kinds of Jobs that are tried in one launch; those that begin first come first."""
_JOBS = "count/jobs.batch"
_RECORDS = ("configmaps", "count/configmaps")


@dataclasses.dataclass(frozen=True, slots=True)
class InCluster:
    """What a cluster says to one run.

    `jobs` are those to come, `problems` what would be refused, `notes` what would go otherwise than
    expected, such as steps that wait, `unchecked` what this user may not see.
    """

    jobs: tuple[PlannedJob, ...] = ()
    quotas: tuple[Verdict, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def lines(self, *, manifests: bool = True) -> Iterator[str]:
        """What does not stand in `problems`, as text; with the `manifests` that come first."""
        for title, texts in (("notes:", self.notes), ("could not be checked:", self.unchecked)):
            if texts:
                yield title
                yield from (f"  {text}" for text in texts)
        if self.jobs:
            yield "jobs:"
            for one in self.jobs:
                at_once = ", begins at once" if one.first else ""
                yield f"  {one.run}/{one.step}: {_images(one)}{at_once}"
        shown: dict[str, str] = {}
        for one in self.jobs:
            if manifests and one.first and one.shape not in shown:
                shown[one.shape] = one.step
                yield f"the job of {one.run}/{one.step}:"
                yield from (f"  {line}" for line in written(one.manifest).splitlines())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able. Of Jobs that are alike the first has the manifest, the others its place."""
        shown: dict[str, str] = {}
        jobs = []
        for one in self.jobs:
            told: dict[str, Any] = {"run": one.run, "step": one.step, "first": one.first}
            place = f"{one.run}/{one.step}"
            alike = shown.setdefault(one.shape, place)
            told |= {"manifest": one.manifest} if alike == place else {"like": alike}
            jobs.append(told)
        return {
            "jobs": jobs,
            "quota": [verdict.as_dict() for verdict in self.quotas],
            "notes": list(self.notes),
            "unchecked": list(self.unchecked),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class _Scene:
    """A forecast with the runs that it would drive, and their Jobs."""

    forecast: Forecast
    members: tuple[Member, ...]
    jobs: tuple[PlannedJob, ...]


class Rehearsal:
    """One launch, rehearsed in the namespace of the settings, with the object store it names."""

    def __init__(
        self,
        resources: Resources,
        settings: JobSettings,
        known: KnownRuns,
        now: datetime.datetime,
        objects: Objects | None = None,
    ) -> None:
        self._client = resources.client
        self._settings = settings
        self._lookups = Lookups(resources, settings.namespace)
        self._trial = Trial(resources, settings.namespace)
        self._known = known
        self._now = now
        self._objects = objects

    def of(self, forecasts: Sequence[Forecast]) -> list[InCluster]:
        """What the cluster says to each forecast, in order."""
        scenes = [self._scene(one) for one in forecasts]
        if not any(scene.jobs for scene in scenes):
            return [InCluster() for _scene in scenes]
        quotas = self._quotas(scenes)
        of_shape, untried = self._about_each(scenes)
        everywhere = self._about_all(scenes) + _of_quotas(quotas) + untried
        return [self._told(scene, quotas, everywhere, of_shape) for scene in scenes]

    def _scene(self, forecast: Forecast) -> _Scene:
        if not forecast.changes:
            return _Scene(forecast, (), ())
        cast = tuple(members(forecast.run, self._known.runs, self._now))
        exists = forecast.existing is not None
        jobs = tuple(
            planned
            for member in cast
            for planned in planned_jobs(member, self._settings, exists=exists)
        )
        return _Scene(forecast, cast, jobs)

    def _told(
        self,
        scene: _Scene,
        quotas: Sequence[Verdict],
        everywhere: Said,
        of_shape: dict[str, Said],
    ) -> InCluster:
        if not scene.jobs:
            return InCluster()
        several = len({planned.run for planned in scene.jobs}) > 1
        problems: dict[str, list[str]] = {}
        notes: dict[str, list[str]] = {}
        unchecked = dict.fromkeys(everywhere.unchecked)
        for planned in scene.jobs:
            said = of_shape.get(planned.shape, Said())
            name = f"{planned.run}/{planned.step}" if several else planned.step
            for text in said.problems:
                problems.setdefault(text, []).append(name)
            for text in said.notes:
                notes.setdefault(text, []).append(name)
            unchecked |= dict.fromkeys(said.unchecked)
        return InCluster(
            scene.jobs,
            tuple(quotas),
            (*everywhere.problems, *_by_step(problems)),
            (*everywhere.notes, *_by_step(notes)),
            tuple(unchecked),
        )

    # --- what holds for all of them ------------------------------------------------------------

    def _about_all(self, scenes: Sequence[_Scene]) -> Said:
        said = self._rights(scenes) + self._of_store()
        if self._known.denied:
            said += Said(unchecked=(f"which runs there are already: {self._known.denied}",))
        quotas = self._lookups.all(RESOURCE_QUOTA)
        if not quotas.known:
            said += Said(unchecked=(f"quotas: {quotas.denied}",))
        for name in self._settings.pull_secrets:
            seen = self._lookups.one(SECRET, name)
            if seen.missing:
                text = f"there is no secret {name} to pull images with"
                said += Said(notes=(f"{text} in namespace {self._settings.namespace}",))
            elif not seen.known:
                said += Said(unchecked=(f"the secret {name} to pull images with: {seen.denied}",))
        return said

    def _rights(self, scenes: Sequence[_Scene]) -> Said:
        # Secrets are read one by one: of them that is the answer.
        rules = [rule for rule in rights.DRIVING if rule.resource != "secrets"]
        members = [member for scene in scenes for member in scene.members]
        carries = any(_carries(member) for member in members)
        told = carries and not self._settings.by_exec
        if told or any(member.run.pipeline.prepare_ahead for member in members):
            rules += rights.TELLING
        if carries and self._settings.by_exec:
            rules += rights.CARRYING
        try:
            lacking = missing(self._client, rights.rights(rules, self._settings.namespace))
        except Denied as error:
            return Said(unchecked=(f"your rights: {error.message}",))
        return Said(
            tuple(f"you may not {right}" for right in lacking if rights.needed(right)),
            tuple(
                f"you may not {right}: the ends of steps are seen later"
                for right in lacking
                if not rights.needed(right)
            ),
        )

    def _of_store(self) -> Said:
        """What a look into the object store says, which a launch takes, too. A look writes nothing,
        so that a right to write is not known by it."""
        if self._objects is None:
            return Said()
        try:
            self._objects.check()
        except C8sError as error:
            return Said((str(error),))
        return Said(
            unchecked=(f"whether {self._objects} may be written to: a plan writes nothing",)
        )

    # --- what is said of each Job --------------------------------------------------------------

    def _about_each(self, scenes: Sequence[_Scene]) -> tuple[dict[str, Said], Said]:
        """What is said of Jobs, by their shape, and of those that were not tried."""
        jobs = [planned for scene in scenes for planned in scene.jobs]
        shapes: dict[str, PlannedJob] = {}
        for planned in sorted(jobs, key=lambda one: not one.first):
            shapes.setdefault(planned.shape, planned)
        tried = list(shapes.values())[:MOST_TRIALS]
        untried = Said()
        if len(shapes) > len(tried):
            untried = Said(unchecked=(f"{len(shapes) - len(tried)} more kinds of Jobs",))
        try:
            pods = self._trial.of_pods()
        except Denied:
            pods = False
        answers = self._trial.said(tried, pods=pods)
        found = {}
        for planned, said in zip(tried, answers, strict=True):
            found[planned.shape] = said + (Said() if pods else self._worked_out(planned))
        return found, untried

    def _worked_out(self, planned: PlannedJob) -> Said:
        """What would refuse the pod of a Job, as far as this user may see it."""
        spec = planned.pod_spec
        said = Said()
        for kind, name in (
            (PRIORITY_CLASS, spec.get("priorityClassName")),
            (RUNTIME_CLASS, spec.get("runtimeClassName")),
        ):
            if name:
                said += self._class(kind, name)
        ranges = self._lookups.all(LIMIT_RANGE)
        if not ranges.known:
            said += Said(unchecked=(f"limit ranges: {ranges.denied}",))
        completed = with_defaults(spec, ranges.objects)
        faults = out_of_range(completed, ranges.objects)
        for quota in self._lookups.all(RESOURCE_QUOTA).objects:
            if counts(quota, completed) and ranges.known:
                faults += refusals(quota, completed)
        return said + Said(tuple(f"its pod would be refused: {fault}" for fault in faults))

    def _class(self, kind: Kind, name: str) -> Said:
        seen = self._lookups.one(kind, name)
        if not seen.known:
            return Said(unchecked=(f"the {kind.name} {name}: {seen.denied}",))
        if seen.missing:
            return Said((f"its pod would be refused: the cluster has no {kind.name} {name}",))
        return Said()

    # --- quotas --------------------------------------------------------------------------------

    def _quotas(self, scenes: Sequence[_Scene]) -> list[Verdict]:
        """What each quota says to all runs of the launch together."""
        seen = self._lookups.all(RESOURCE_QUOTA)
        ranges = self._lookups.all(LIMIT_RANGE).objects
        found = []
        for quota in seen.objects:
            scoped = any(
                (quota.get("spec") or {}).get(name) for name in ("scopes", "scopeSelector")
            )
            first, peak, largest = Amounts(), Amounts(), Amounts()
            for scene in scenes:
                charged = {
                    (planned.run, planned.step): self._charged(quota, planned, ranges)
                    for planned in scene.jobs
                }
                for planned in scene.jobs:
                    amounts = charged[planned.run, planned.step]
                    _raise(largest, amounts)
                    if planned.first:
                        _add(first, amounts)
                _add(peak, _peak(scene, charged))
                if not scoped:
                    for name in _RECORDS:
                        _add(first, {name: Decimal(scene.forecast.existing is None)})
                        _add(peak, {name: Decimal(scene.forecast.existing is None)})
            found += verdicts(quota, first, peak, largest)
        return found

    def _charged(self, quota: Manifest, planned: PlannedJob, ranges: Sequence[Manifest]) -> Amounts:
        spec = with_defaults(planned.pod_spec, ranges)
        return charge(spec) if counts(quota, spec) else {}


def written(manifest: Manifest) -> str:
    """A manifest as YAML, to be read by people: nothing stands for something above it."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Plain.add_representer(str, text)
    return str(yaml.dump(manifest, Dumper=Plain, sort_keys=False, default_flow_style=False))


def _images(planned: PlannedJob) -> str:
    spec = planned.pod_spec
    return ", ".join(
        f"{container['name']} {container['image']}"
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    )


def _peak(scene: _Scene, charged: dict[tuple[str, str], Amounts]) -> Amounts:
    """The most that a scene asks for at one time; of a matrix only so many run at one time."""
    peaks = []
    for member in scene.members:
        steps = member.run.pipeline.steps
        asked = [charged.get((member.run.name, step.name), {}) for step in steps]
        amounts = peak_amounts(Graph.of(steps), asked)
        # The Job of a step stays until the record of its run goes.
        jobs = sum(1 for step in steps if (member.run.name, step.name) in charged)
        peaks.append({**amounts, _JOBS: Decimal(jobs)})
    matrix = scene.forecast.run.pipeline.matrix
    at_once = matrix.max_parallel if matrix and matrix.max_parallel else len(peaks)
    total = Amounts()
    for name in {name for amounts in peaks for name in amounts}:
        several = sorted((amounts.get(name, Decimal(0)) for amounts in peaks), reverse=True)
        total[name] = sum(several if name == _JOBS else several[:at_once], Decimal(0))
    return total


def _carries(member: Member) -> bool:
    return any(needs_carrier(member.run, step) for step in _to_come(member))


def _to_come(member: Member) -> Iterator[Step]:
    for status in member.run.status.steps:
        if not status.phase.terminal:
            yield member.run.pipeline.step(status.name)


def _of_quotas(found: Sequence[Verdict]) -> Said:
    return Said(
        tuple(str(one) for one in found if one.room is Room.NEVER),
        tuple(str(one) for one in found if one.room is Room.WAITS),
    )


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount


def _raise(most: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        most[name] = max(most.get(name, Decimal(0)), amount)


def _by_step(found: dict[str, list[str]]) -> Iterable[str]:
    for text, steps in found.items():
        named = ", ".join(steps[:5]) + (f" and {len(steps) - 5} more" if len(steps) > 5 else "")
        yield f"step{'s' if len(steps) > 1 else ''} {named}: {text}"
