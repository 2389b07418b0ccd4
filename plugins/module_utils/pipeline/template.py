"""Templates put into a pipeline: everything that is known when a run begins.

A value that a pusher chooses (branch, tag, repository) or that may hold one (`env`) never becomes
part of a shell's text: in commands it stays in its environment variable, and the template becomes
a reference to that. A template in double quotes therefore behaves like any other variable there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..core.errors import InvalidInput
from ..core.names import is_dns_label, is_image
from ..core.tree import shown
from .expression import MARK, Reference, parse, quoted, references
from .glob import escape
from .matrix import text as value_text
from .scope import ENV_DEPTH_LIMIT, FOREIGN, OWN, is_foreign, variable
from .spec import Event, Pipeline, Scalar, Service, Step, When, nothing

__all__ = ["Context", "Reference", "references", "render", "render_key"]

_COMMIT = re.compile(r"(?:[0-9a-f]{7,64})?")
_NOT_IN_ARTIFACT_NAME = re.compile(r"[^A-Za-z0-9._-]+")
ARTIFACT_NAME_LIMIT = 128
EXPANSION_LIMIT = 8 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """What is known of a run. `number` counts runs where somebody does; 0 otherwise.

    Raises InvalidInput where a value is pasted into commands and could be read as more than data:
    a name that is no DNS label, a commit that is not hexadecimal.
    """

    name: str
    commit: str = ""
    branch: str = ""
    tag: str = ""
    event: str = Event.MANUAL
    number: int = 0
    repository: str = ""
    matrix: Mapping[str, Scalar] = dataclasses.field(default_factory=nothing)

    def __post_init__(self) -> None:
        if not is_dns_label(self.name):
            raise InvalidInput(f"{shown(self.name)} is not the name of a run")
        if not _COMMIT.fullmatch(self.commit):
            raise InvalidInput(f"the commit {shown(self.commit)} is not hexadecimal")
        if self.event not in list(Event):
            raise InvalidInput(f"the event {shown(self.event)} is not known")

    def value(self, reference: Reference) -> str:
        """The value of a name of the run or the matrix; InvalidInput where there is none."""
        if reference.root == "run" and (reference.name in OWN or reference.name in FOREIGN):
            return str(getattr(self, reference.name))
        if reference.root == "matrix" and reference.name in self.matrix:
            return value_text(self.matrix[reference.name])
        raise InvalidInput(f"this run has no value for the template {reference}")


def render(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline with all templates expanded but `hashFiles` in cache keys.

    To be used once: what is rendered holds values in which a mark is no template. Raises
    InvalidInput for an unknown name, and for what is no image once its templates are expanded.
    """
    texts = _Texts(context)
    env = _Environment(pipeline.env, texts)
    concurrency = pipeline.concurrency
    if concurrency and MARK in concurrency.group:
        concurrency = dataclasses.replace(concurrency, group=texts.pasted(concurrency.group, env))
    return dataclasses.replace(
        pipeline,
        env=env.all(),
        concurrency=concurrency,
        steps=tuple(_step(step, texts, env) for step in pipeline.steps),
    )


def render_key(text: str, hash_files: Callable[[tuple[str, ...]], str]) -> str:
    """A cache key of a rendered pipeline, with each `hashFiles` replaced by what it gives."""
    if MARK not in text:
        return text
    return "".join(
        part if isinstance(part, str) else hash_files(part.globs) for part in parse(text)
    )


class _Texts:
    """Expands texts of one pipeline, up to a bound on what they grow to together."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._room = EXPANSION_LIMIT

    def expanded(self, text: str, put: Callable[[Reference], str]) -> str:
        """The text with every reference replaced by what `put` gives."""
        if MARK not in text:
            return text
        parts = []
        for part in parse(text):
            expanded = part if isinstance(part, str) else put(part)
            self._room -= len(expanded)
            if self._room < 0:
                raise InvalidInput(f"the templates expand to more than {EXPANSION_LIMIT} bytes")
            parts.append(expanded)
        return "".join(parts)

    def pasted(self, text: str, env: _Environment) -> str:
        """With the values themselves, for places that no program reads as its language."""
        return self.expanded(text, lambda reference: self.value(reference, env))

    def value(self, reference: Reference, env: _Environment) -> str:
        """The value of a reference."""
        if reference.root == "env":
            return env.value(reference.name)
        return self._context.value(reference)

    def command(self, text: str, env: _Environment) -> str:
        """For a shell: what others may have chosen stays in its variable."""

        def put(reference: Reference) -> str:
            if is_foreign(reference):
                return f"${{{variable(reference)}}}"
            return self.value(reference, env)

        return self.expanded(text, put)

    def key(self, text: str, env: _Environment) -> str:
        """For `render_key`: `hashFiles` stays, and a mark in a value is no template."""
        if MARK not in text:
            return text
        key = literal = ""
        for part in parse(text):
            if isinstance(part, Reference) and part.globs:
                key, literal = key + quoted(literal) + f"{MARK} {part} }}}}", ""
            else:
                literal += part if isinstance(part, str) else self.value(part, env)
        return key + quoted(literal)

    def glob(self, text: str, env: _Environment) -> str:
        """For a glob: only the file's author may put wildcards in."""

        def put(reference: Reference) -> str:
            value = self.value(reference, env)
            return value if reference.root == "matrix" else escape(value)

        return self.expanded(text, put)

    def artifact_name(self, text: str, env: _Environment) -> str:
        """For a name that becomes part of a file's: only letters, digits and `._-` of values."""
        if MARK not in text:
            return text

        def put(reference: Reference) -> str:
            return _NOT_IN_ARTIFACT_NAME.sub("-", self.value(reference, env))

        return self.expanded(text, put).lstrip(".-")[:ARTIFACT_NAME_LIMIT] or "artifact"

    def image(self, text: str, env: _Environment, owner: str) -> str:
        """For an image; InvalidInput where none comes out."""
        image = self.pasted(text, env)
        if image != text and not is_image(image):
            raise InvalidInput(f"{owner}: the image {shown(text)} becomes {shown(image)}")
        return image


class _Environment:
    """Variables whose values may refer to each other, and to those of the level around them."""

    def __init__(
        self, raw: Mapping[str, str], texts: _Texts, outer: _Environment | None = None
    ) -> None:
        self._raw, self._texts, self._outer = raw, texts, outer
        self._values: dict[str, str] = {}
        self._open: list[str] = []

    def all(self) -> Mapping[str, str]:
        """Every variable of this level with its value."""
        if not any(MARK in value for value in self._raw.values()):
            return self._raw
        return MappingProxyType({name: self.value(name) for name in self._raw})

    def value(self, name: str) -> str:
        """Of one variable. A value that names its own variable means that of the level around."""
        if name not in self._raw or self._open[-1:] == [name]:
            if self._outer is None:
                raise InvalidInput(f"this run has no value for the template env.{name}")
            return self._outer.value(name)
        if name in self._open or len(self._open) > ENV_DEPTH_LIMIT:
            raise InvalidInput(f"env.{name} refers to itself, or through too many others")
        if name not in self._values:
            self._open.append(name)
            self._values[name] = self._texts.pasted(self._raw[name], self)
            self._open.pop()
        return self._values[name]


def _step(step: Step, texts: _Texts, outer: _Environment) -> Step:
    if not _is_templated(step):
        return step
    env = _Environment(step.env, texts, outer) if step.env else outer
    return dataclasses.replace(
        step,
        image=texts.image(step.image, env, f"step {step.name!r}"),
        commands=tuple(texts.command(command, env) for command in step.commands),
        entrypoint=tuple(texts.pasted(argument, env) for argument in step.entrypoint),
        args=tuple(texts.pasted(argument, env) for argument in step.args),
        env=env.all() if step.env else step.env,
        when=_when(step.when, texts, env),
        artifacts=tuple(
            dataclasses.replace(artifact, name=texts.artifact_name(artifact.name, env))
            for artifact in step.artifacts
        ),
        caches=tuple(
            dataclasses.replace(cache, key=texts.key(cache.key, env)) for cache in step.caches
        ),
        services=tuple(_service(service, texts, env) for service in step.services),
    )


def _is_templated(step: Step) -> bool:
    """Whether anything in the step has to be expanded; most have nothing."""
    texts = [step.image, *step.commands, *step.entrypoint, *step.args, *step.env.values()]
    texts += [text for globs in _globs(step.when) for text in globs]
    texts += [artifact.name for artifact in step.artifacts] + [cache.key for cache in step.caches]
    for service in step.services:
        texts += [service.image, *service.commands, *service.env.values()]
    return any(MARK in text for text in texts)


def _globs(when: When) -> tuple[tuple[str, ...], ...]:
    return when.branch, when.tag, when.event, when.paths


def _when(when: When, texts: _Texts, env: _Environment) -> When:
    branch, tag, event, paths = (
        tuple(texts.glob(glob, env) for glob in globs) for globs in _globs(when)
    )
    return When(branch, tag, event, paths, when.status)


def _service(service: Service, texts: _Texts, outer: _Environment) -> Service:
    env = _Environment(service.env, texts, outer)
    return dataclasses.replace(
        service,
        image=texts.image(service.image, env, f"service {service.name!r}"),
        env=env.all(),
        commands=tuple(texts.command(command, env) for command in service.commands),
    )
