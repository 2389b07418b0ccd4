"""What is valid in a pipeline and still probably not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.errors import Problem
from ..core.names import variable_name
from ..core.quantities import quantity
from ..core.tree import Path, path_text, shown
from ..core.yaml import parse
from .expression import MARK, Reference, references, scan
from .scope import is_foreign, variable
from .script import is_posix
from .spec import DEFAULT_STEP_TIMEOUT, Pipeline, Step

_LEAST_MEMORY = quantity("4Mi")
_BRACES_WITHOUT_DOLLAR = re.compile(r"(?<!\$)\{\{\s*(?:matrix|run|env)\.")

Advice = tuple[Path, str]


def warnings(pipeline: Pipeline, text: str | bytes = "", file: str = "") -> tuple[Problem, ...]:
    """Advice for a pipeline, as problems; with places where `text` is what it was loaded from."""
    source = parse(text, file) if text else None
    found = []
    for path, message in _advice(pipeline):
        place = source.place(source.offset(path)) if source else (0, 0)
        found.append(Problem(message, path_text(path), file, *place))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def _advice(pipeline: Pipeline) -> Iterator[Advice]:
    for index, step in enumerate(pipeline.steps):
        path = ("steps", index)
        if step.timeout >= pipeline.timeout and step.timeout != DEFAULT_STEP_TIMEOUT:
            message = "the timeout of the whole run ends this step before its own does"
            yield (*path, "timeout"), message
        if step.requests.memory is not None and step.requests.memory < _LEAST_MEMORY:
            yield (*path, "resources", "memory"), "so little memory is not enough for any program"
        yield from _moving_images(step, path)
        yield from _texts_as_written(step, path)
    yield from _unused_dimensions(pipeline)


def _moving_images(step: Step, path: Path) -> Iterator[Advice]:
    images = [((*path, "image"), step.image)]
    for index, service in enumerate(step.services):
        images.append(((*path, "services", index, "image"), service.image))
    for place, image in images:
        name = image.rpartition("/")[2]
        if MARK in image or "@" in name:
            continue
        tag = name.partition(":")[2]
        if tag in ("", "latest"):
            what = "the tag 'latest'" if tag else "no tag"
            yield place, f"{shown(image)} has {what}, so two runs may get different images"


def _texts_as_written(step: Step, path: Path) -> Iterator[Advice]:
    texts = [((*path, "image"), step.image)]
    texts += [((*path, "env", name), value) for name, value in step.env.items()]
    commands = [((*path, "commands", n), command) for n, command in enumerate(step.commands)]
    for place, text in texts + commands:
        if _BRACES_WITHOUT_DOLLAR.search(text):
            yield place, f"{{{{ ... }}}} is no template; did you mean {MARK} ... }}}}?"
    if is_posix(step.shell):
        for place, command in commands:
            for reference in _in_single_quotes(command):
                name = variable(reference)
                message = f"{reference} becomes ${name}, which single quotes keep as it is written"
                yield place, message


def _in_single_quotes(command: str) -> Iterator[Reference]:
    """References that a shell would not expand; where it is hard to tell, none."""
    if MARK not in command or "<<" in command:
        return
    quote = ""
    for part in scan(command):
        if isinstance(part, str):
            quote = _quote_after(part, quote)
        elif isinstance(part, Reference) and quote == "'" and is_foreign(part):
            yield part


def _quote_after(text: str, quote: str) -> str:
    """The quote that is open behind a piece of a shell's text."""
    escaped = comment = False
    before = "x"
    for character in text:
        if comment:
            comment = character != "\n"
        elif escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and before.isspace():
            comment = True
        before = character
    return quote


def _unused_dimensions(pipeline: Pipeline) -> Iterator[Advice]:
    if pipeline.matrix is None:
        return
    texts = list(_texts(pipeline))
    used = {part.name for text in texts for part in references(text) if part.root == "matrix"}
    for name in pipeline.matrix.dimensions:
        read = f"C8S_MATRIX_{variable_name(name)}"
        if name not in used and not any(read in text for text in texts):
            message = f"nothing in this file uses {MARK} matrix.{name} }}}} or {read}"
            yield ("matrix", "dimensions", name), message


def _texts(pipeline: Pipeline) -> Iterator[str]:
    """All texts in which a value of the matrix can be used."""
    yield from pipeline.env.values()
    if pipeline.concurrency:
        yield pipeline.concurrency.group
    for step in pipeline.steps:
        yield from (step.image, *step.commands, *step.entrypoint, *step.args, *step.env.values())
        for globs in (step.when.branch, step.when.tag, step.when.event, step.when.paths):
            yield from globs
        yield from (artifact.name for artifact in step.artifacts)
        yield from (cache.key for cache in step.caches)
        for service in step.services:
            yield from (service.image, *service.commands, *service.env.values())
