"""Strategies that make pipeline documents from the schema itself: right ones, and broken ones."""

from __future__ import annotations

import copy
import functools
import re
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.holders import (
    ListOf,
    MapOf,
    Object,
    OneOf,
    OneOrMany,
    OrObject,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.kinds import (
    Amount,
    Choice,
    Flag,
    Integer,
    Kind,
    No,
    Scalar,
    Text,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.schema import FILE
from hypothesis import strategies as st

# What YAML may hold as it is; no `$`, so that no text is a template.
CHARACTERS = st.characters(
    exclude_categories=["Cc", "Cs", "Co", "Cn"], exclude_characters="$\ufeff"
)
WORDS = st.text(CHARACTERS, min_size=1, max_size=6)
# What YAML calls a number; the fractions are those that JSON writes and reads back.
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1000, 1000).map(lambda number: round(number, 3))


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Values of a kind that the file's schema accepts, as JSON."""
    match kind:
        case Text(pattern=""):
            return WORDS | NUMBERS | st.booleans()
        case Text():
            return st.from_regex(kind.pattern, fullmatch=True).filter(
                functools.partial(_fits, kind)
            )
        case Scalar():
            return WORDS | NUMBERS | st.booleans() | st.just("")
        case Choice():
            return st.sampled_from(kind.words)
        case Integer():
            return st.integers(kind.minimum, kind.maximum)
        case Flag():
            return st.booleans()
        case No():
            return st.just(False)
        case Amount():
            return st.sampled_from(["500m", "1Gi", "+2", ".5", "1e3", 1, 0.25, "0"])
        case ListOf():
            return _lists(kind)
        case OneOrMany():
            return values(kind.item) | _lists(ListOf(kind.item, kind.minimum))
        case MapOf():
            return st.dictionaries(
                values(kind.key).map(str), values(kind.value), min_size=kind.minimum, max_size=3
            )
        case OrObject():
            return values(kind.simple) | values(kind.object)
        case Object():
            return _objects(kind)
    raise AssertionError(kind)


def _fits(kind: Text, text: str) -> bool:
    return (
        not text.endswith("\n")
        and (not kind.limit or len(text) <= kind.limit)
        and not (kind.not_pattern and re.search(kind.not_pattern, text))
    )


def _lists(kind: ListOf) -> st.SearchStrategy[list[Any]]:
    # The schemas compare values, not how they are written: 1 and 1.0 are the same to them.
    unique_by = str if kind.unique else None
    item = values(kind.item)
    return st.lists(item, min_size=kind.minimum, max_size=3, unique_by=unique_by)


def _objects(kind: Object) -> st.SearchStrategy[dict[str, Any]]:
    names = [field.name for field in kind.fields]
    strategies = {field.name: values(field.kind) for field in kind.fields}
    required = {field.name for field in kind.fields if field.required}

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        chosen = required | draw(st.sets(st.sampled_from(names), max_size=4))
        for rule in kind.rules:
            chosen = _obeying(rule, chosen, draw)
        return {name: draw(strategies[name]) for name in names if name in chosen}

    return build()


def _obeying(rule: OneOf, chosen: set[str], draw: st.DrawFn) -> set[str]:
    used = [group for group in rule.groups if chosen.intersection(group)]
    if not used and rule.required:
        return chosen | {draw(st.sampled_from([name for group in rule.groups for name in group]))}
    for group in used[:-1]:
        chosen = chosen.difference(group)
    return chosen


PIPELINES = values(FILE)

JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS | st.sampled_from(["", "a", "1h", "0s", "C8S_X"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.sampled_from(["name", "paths", "limits"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def broken_pipelines(draw: st.DrawFn) -> Any:
    """A right document in which up to three places were changed, taken away or added to."""
    document = copy.deepcopy(draw(PIPELINES))
    for _change in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "remove", "add", "repeat"])):
            case "replace":
                holder[key] = draw(JSON)
            case "remove":
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(WORDS | st.sampled_from(["when", "commands", "args", "file"]))] = draw(
                    JSON
                )
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
    return document


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(item)
