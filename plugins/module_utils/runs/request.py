"""What a door was asked for, turned into orders: files read, commits found, secrets checked."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from ..core.errors import InvalidInput, Problem, Unavailable
from ..forges.checkout import Git, changed_paths, message_of, resolve
from ..forges.committed_file import committed_file
from ..forges.repository import Repository, Transport, check_commit, check_ref, repository
from ..forges.worktree import revision
from ..pipeline.load import document, load, load_document
from ..pipeline.record import from_record
from ..pipeline.run import Trigger
from ..pipeline.spec import Event, Pipeline
from .birth import Order
from .records import Records
from .secrets import SecretValues, check_secrets


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One run as a person asks for it. `text` is the pipeline file, `file` its name in errors.

    Without a text, `file` is read from the repository, as it is in the commit. Without a commit,
    that of the tag, the branch or the repository's HEAD is taken. Of a checkout on this host
    without any of them, the branch that is checked out is the run's. `event` is guessed from tag
    and branch where it is empty.
    """

    text: bytes = b""
    file: str = ".c8s.yaml"
    repository: str = ""
    commit: str = ""
    branch: str = ""
    tag: str = ""
    event: str = ""
    name: str = ""
    idempotency_key: str = ""
    by: str = "manual"


def orders_from(
    requests: Sequence[Request],
    now: datetime.datetime,
    *,
    allow_file: bool,
    check: Callable[[Pipeline], None],
) -> list[Order]:
    """Orders for all requests; InvalidInput with the problems of every one of them.

    `check` judges what the place of the run has to say about a pipeline (missing secrets, say).
    `allow_file`: whether a repository may be a folder of this host.
    """
    orders: list[Order] = []
    problems: list[Problem] = []
    for request in requests:
        try:
            orders.append(_order(request, now, allow_file=allow_file, check=check))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(*problems)
    return orders


def _order(
    request: Request,
    now: datetime.datetime,
    *,
    allow_file: bool,
    check: Callable[[Pipeline], None],
) -> Order:
    committed = not request.text and bool(request.repository)
    if not committed:
        check(load(request.text, request.file))
    trigger = trigger_of(request, now, allow_file=allow_file)
    text = request.text
    if committed:
        source = repository(request.repository, allow_file=allow_file)
        text = committed_file(Git(), source, trigger.commit, request.file)
        check(load(text, request.file))
    return Order(
        document=document(text, request.file),
        trigger=trigger,
        name=request.name,
        idempotency_key=request.idempotency_key,
    )


def trigger_of(request: Request, now: datetime.datetime, *, allow_file: bool) -> Trigger:
    """The trigger that a request describes, with the full commit, its author and its files."""
    commit = check_commit(request.commit) if request.commit else ""
    branch = check_ref(request.branch, "branch") if request.branch else ""
    tag = check_ref(request.tag, "tag") if request.tag else ""
    source = repository(request.repository, allow_file=allow_file) if request.repository else None
    if source is not None and source.transport is Transport.FILE:
        commit, branch = revision(Git(), source.path, commit=commit, branch=branch, tag=tag)
    try:
        event = Event(request.event) if request.event else _guessed(branch, tag)
    except ValueError:
        known = ", ".join(Event)
        raise InvalidInput(f"{request.event!r} is no event; there are {known}") from None
    trigger = Trigger(event=event, commit=commit, branch=branch, tag=tag, by=request.by, at=now)
    return trigger if source is None else _located(trigger, source)


def _guessed(branch: str, tag: str) -> Event:
    if tag:
        return Event.TAG
    return Event.PUSH if branch else Event.MANUAL


def _located(trigger: Trigger, source: Repository) -> Trigger:
    """The trigger with all that its repository tells without a fetch."""
    git = Git()
    commit = resolve(git, source, commit=trigger.commit, branch=trigger.branch, tag=trigger.tag)
    trigger = dataclasses.replace(trigger, repository=source.url, commit=commit)
    if source.transport is not Transport.FILE:
        return trigger
    try:
        author, message = message_of(git, source.path, commit)
    except Unavailable:
        author = message = ""
    return dataclasses.replace(
        trigger,
        author=author,
        message=message,
        changed_paths=changed_paths(git, source.path, commit),
    )


def secrets_checked(secrets: SecretValues | None) -> Callable[[Pipeline], None]:
    """A check that refuses pipelines whose steps ask for secrets that were not given.

    With None it lets everything pass.
    """

    def check(pipeline: Pipeline) -> None:
        if secrets is not None:
            check_secrets(pipeline, secrets)

    return check


def ready(order: Order, executor: str, check: Callable[[Pipeline], None]) -> Order:
    """The order, to be carried out by that executor. A rerun is judged as new runs are.

    Raises what `check` raises: secrets are kept nowhere, so that they may be missing now.
    """
    if order.rerun_of:
        check(load_document(order.document))
    return dataclasses.replace(order, executor=executor)


def rerun_order(
    records: Records, name: str, *, failed_only: bool, by: str, now: datetime.datetime
) -> Order:
    """The order that runs an ended run again: all of it, or only what has not succeeded.

    Raises NotFound without such a run, InvalidInput where it has not ended or is part of a matrix.
    """
    run = from_record(records.read(name))
    if run.parent:
        raise InvalidInput(f"run {name!r} belongs to the matrix run {run.parent!r}; rerun that one")
    if not run.status.phase.terminal:
        raise InvalidInput(f"run {name!r} has not ended; cancel it first or launch it again")
    return Order(
        document=run.document,
        trigger=dataclasses.replace(run.trigger, by=by, at=now),
        rerun_of=name,
        reuse=run.status if failed_only else None,
    )
