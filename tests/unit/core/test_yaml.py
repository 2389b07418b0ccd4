"""YAML is read with places, as it was written, and never past a bound; by both parsers."""

from __future__ import annotations

import contextlib
import string
import sys
import time
import tracemalloc

import pytest
import yaml as pyyaml
from ansible_collections.c8s.ci.plugins.module_utils.core import composer, yaml
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.core.tree import Boolean, Number
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st


@pytest.fixture(params=["libyaml", "python"])
def parser(request, monkeypatch):
    """Either of the two parsers."""
    if request.param == "python":
        library = composer.library()
        slow = library._replace(parser=library.python_parser)
        monkeypatch.setattr(composer, "library", lambda: slow)
    elif not pyyaml.__with_libyaml__:
        pytest.fail("PyYAML was installed without libyaml; the product needs its speed")
    return request.param


def problem(text):
    """The one problem of a text that is no YAML."""
    with pytest.raises(InvalidInput) as caught:
        yaml.parse(text, "f.yaml")
    (found,) = caught.value.problems
    return found


@pytest.mark.parametrize(
    ("written", "value", "kind"),
    [
        ("3.10", "3.10", Number),
        ("1", "1", Number),
        ("-1.5e3", "-1.5e3", Number),
        ("true", "true", Boolean),
        ("False", "False", Boolean),
        ("yes", "yes", str),
        ("on", "on", str),
        ("0x10", "0x10", str),
        ("1_000", "1_000", str),
        ("1:30", "1:30", str),
        ("2026-01-01", "2026-01-01", str),
        (".inf", ".inf", str),
        ("'3.10'", "3.10", str),
        ('"true"', "true", str),
        ("!!str 3.10", "3.10", str),
        ("~", None, type(None)),
        ("null", None, type(None)),
        ("", None, type(None)),
        ('""', "", str),
    ],
)
def test_scalars_keep_what_was_written(parser, written, value, kind):
    found = yaml.parse(f"a: {written}\n").root["a"]
    assert (found, type(found)) == (value, kind)


def test_keys_are_text_as_they_are_written(parser):
    assert list(yaml.parse("on: 1\n1.10: 2\ntrue: 3\n").root) == ["on", "1.10", "true"]


def test_values_have_places(parser):
    text = "a: 1\nsteps:\n  - name: x\n    dependsOn: [b, 'ü', c]\n    env:\n"
    source = yaml.parse(text)
    places = {
        (): (1, 1),
        ("a",): (1, 4),
        ("steps", 0): (3, 5),
        ("steps", 0, "name"): (3, 11),
        ("steps", 0, "dependsOn", 2): (4, 25),
        ("steps", 0, "image"): (3, 5),
        ("steps", 7, "image"): (3, 3),
    }
    for path, place in places.items():
        assert source.place(source.offset(path)) == place
    assert source.place(source.offset(("steps", 0, "dependsOn"), key=True)) == (4, 5)


def test_a_byte_order_mark_does_not_count(parser):
    source = yaml.parse(b"\xef\xbb\xbfa: 1\n")
    assert source.root == {"a": "1"}
    assert source.place(source.offset(("a",))) == (1, 4)


def test_aliases_and_merge_keys(parser):
    text = (
        "one: &one {a: 1, b: 2}\n"
        "two: &two {b: 3, c: 4}\n"
        "both: {<<: [*one, *two], a: 5}\n"
        "again: *one\n"
        "quoted: {'<<': 1}\n"
    )
    source = yaml.parse(text)
    assert source.root["both"] == {"a": "5", "b": "2", "c": "4"}
    assert source.root["again"] == {"a": "1", "b": "2"}
    assert source.root["quoted"] == {"<<": "1"}
    assert source.place(source.offset(("both", "c"))) == (2, 21)
    assert source.place(source.offset(("both", "a"))) == (3, 29)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 2\n  c: 3\n", "f.yaml:4:3: b.c: the key 'c' is here twice"),
        ("- a: 1\n  'a': 2\n", "f.yaml:2:3: [0].a: the key 'a' is here twice"),
        ("1: a\n'1': b\n", "f.yaml:2:1: ['1']: the key '1' is here twice"),
        ("a: [x, !wip b]\n", "f.yaml:1:8: a[1]: the tag '!wip' has no meaning here"),
        ("a: !!python/name:os.system x\n", "f.yaml:1:4: a: the tag '!!python/name:os.system'"),
        ("a: !!int 1\n", "f.yaml:1:4: a: the tag '!!int' has no meaning here"),
        ("a: !x [b]\n", "f.yaml:1:4: a: the tag '!x' has no meaning here"),
        ('a: "x\\0"\n', "f.yaml:1:4: a: holds a character that cannot be used, U+0000"),
        ('"\\0": x\n', "f.yaml:1:1: a key holds a character"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be text"),
        ("? {a: b}\n: b\nc: 1\n", "f.yaml:1:3: a key must be text"),
        ("a: {<<: 1}\n", "f.yaml:1:9: << takes a mapping or a list of mappings"),
        ("a: {<<: [{b: 1}, c]}\n", "f.yaml:1:9: << takes a mapping or a list of mappings"),
    ],
)
def test_what_can_be_read_around_is_noted(parser, text, message):
    source = yaml.parse(text, "f.yaml")
    assert [str(found)[: len(message)] for found in source.problems] == [message]


def test_what_follows_a_key_that_is_no_text_is_read_as_it_is_meant(parser):
    assert yaml.parse("? [a]\n: b\nc: 1\n").root == {"c": "1"}


@pytest.mark.parametrize(
    ("text", "place", "message", "suggestion"),
    [
        ("a:\n\tb: 1\n", (2, 1), "", "indent with blanks: YAML takes no tabs"),
        ("a: b: c\n", (1, 5), "mapping values", "text that holds ': ' needs quotes"),
        ("a: *b\n", (1, 4), "the alias *b repeats nothing", "text that begins with * needs quotes"),
        ("&a [*a]\n", (1, 5), "the alias *a stands inside what it repeats", ""),
        ("a: [*]\n", (1, 6), "", "text that begins with * or & needs quotes"),
        ("a: @b\n", (1, 4), "", "text that begins with @, ` or % needs quotes"),
        ('a: "\\d"\n', None, "", "a \\ in double quotes begins an escape; use single quotes"),
        ("a: 'x\n", (2, 1), "", "a quote that opens must also close"),
        ("a: [x\n", (2, 1), "", "a [ needs its ], and commas between the items"),
        ("a: {x\n", (2, 1), "", "a { needs its }, and commas between the entries"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second document begins here; a file holds one", ""),
        ("a: x\x07\n", (1, 5), "character U+0007 is not allowed in YAML", ""),
        (b"a: 1\n\xc3\xa4: \xff\n", (2, 4), "byte 0xff is not UTF-8; save the file as UTF-8", ""),
        ("a: 1".encode("utf-16"), (1, 1), "byte 0xff is not UTF-8; save the file as UTF-8", ""),
        ("a: \ud800\n", (1, 4), "character U+D800 is not allowed in YAML", ""),
        ('a: "\\UFFFFFFFF"\n', None, "", None),
        ("%YAML 3.0\n---\na: 1\n", (1, 1), "", ""),
        ("[" * 100_000, (1, 51), "nested more than 50 deep", ""),
        ("- " * 100_000, (1, 101), "nested more than 50 deep", ""),
        ("{a: " * 100_000, (1, 201), "nested more than 50 deep", ""),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(parser, text, place, message, suggestion):
    found = problem(text)
    assert message in found.message
    assert found.file == "f.yaml"
    if place and (parser == "libyaml" or message):
        assert (found.line, found.column) == place
    if suggestion is not None:
        assert found.suggestion == suggestion


def test_a_place_without_the_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    composer.library.cache_clear()
    with pytest.raises(Unavailable, match="PyYAML is not installed"):
        yaml.parse("a: 1\n")


def test_size_is_bounded():
    assert yaml.parse("#" * (yaml.SIZE_LIMIT - 1) + "\n").root is None
    assert "larger than 1 MiB" in problem("#" * yaml.SIZE_LIMIT + "\n").message
    assert "larger than 1 MiB" in problem(b"#" * yaml.SIZE_LIMIT + b"\n").message
    assert "larger than 1 MiB" in problem("ü" * (yaml.SIZE_LIMIT // 2 + 1)).message


BOMBS = {
    "lists": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)),
    "mappings": "a0: &a0 {a: x, b: x}\n"
    + "".join(f"a{n}: &a{n} {{a: *a{n - 1}, b: *a{n - 1}}}\n" for n in range(1, 45)),
    "merges": "a: &a {"
    + ", ".join(f"k{n}: 1" for n in range(1000))
    + "}\nb:\n"
    + "- {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}\n" * 1000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_alias_bomb_is_refused_at_once(parser, name):
    tracemalloc.start()
    begin = time.process_time()
    found = problem(BOMBS[name])
    took, (_now, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "aliases add more than 200000 values" in found.message
    # Tracing memory makes this several times slower than it is.
    assert took < 1
    assert peak < 20 * 2**20


@pytest.mark.parametrize(
    "text",
    [
        "a: " * 300_000,
        "? " * 500_000,
        "!" * 1_000_000,
        "&a " * 300_000,
        "'" * 1_000_000,
        "a:\n" * 300_000,
        "\\" * 1_000_000,
        '"' + "\\\n" * 500_000,
        "# " * 500_000,
        "|" * 1_000_000,
        "%" * 1_000_000,
        "a\n" * 500_000,
        "a " * 500_000 + ":",
        "---\n" * 250_000,
        ("[" * 40 + "]" * 40 + ",") * 10_000,
    ],
    ids=lambda text: repr(text[:6]),
)
def test_a_hostile_megabyte_does_not_hang(text):
    begin = time.process_time()
    with contextlib.suppress(InvalidInput):
        yaml.parse(text)
    assert time.process_time() - begin < 5


def check_never_raises(text):
    try:
        source = yaml.parse(text, "f")
    except InvalidInput as error:
        problems = error.problems
    else:
        problems = source.problems
        assert source.place(source.offset(("a", 0, "b")))[0] >= 1
    written = text if isinstance(text, str) else text.decode(errors="replace")
    lines = written.removeprefix("\ufeff").split("\n")
    for found in problems:
        if found.line:
            assert 1 <= found.line <= len(lines)
            assert 1 <= found.column <= len(lines[found.line - 1]) + 1


YAMLISH = st.lists(
    st.sampled_from([*"abc:-[]{},&*!|>'\"%@`#?~ \n\t", ": ", "- ", "<<: ", "\n  ", "*a", "&a "]),
    max_size=40,
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60), YAMLISH))
@example("a: &a b\n*a : c")
@example("*a")
@example("{? [*a]}")
def test_no_text_raises_anything_else(parser, text):
    check_never_raises(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(YAMLISH)
def test_what_safe_loading_takes_is_read_to_the_same_shape(parser, text):
    try:
        source = yaml.parse(text)
    except InvalidInput:
        return
    if source.problems:
        return
    loader = pyyaml.CBaseLoader if parser == "libyaml" else pyyaml.BaseLoader
    try:
        expected = pyyaml.load(text, Loader=loader)
    except pyyaml.composer.ComposerError as error:
        # YAML lets a later anchor take an earlier one's name; only PyYAML's composer does not.
        if "duplicate anchor" in str(error):
            return
        raise
    assert _texts(source.root) == _texts(_merged(expected))


def _merged(value):
    """BaseLoader knows no merge keys."""
    if isinstance(value, list):
        return [_merged(item) for item in value]
    if not isinstance(value, dict):
        return value
    entries = {key: _merged(item) for key, item in value.items() if key != "<<"}
    sources = _merged(value.get("<<", []))
    for source in [sources] if isinstance(sources, dict) else sources:
        entries = {**source, **entries}
    return entries


def _texts(value):
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return "" if value in (None, "~") else str(value)


PLAIN = st.text(string.ascii_letters + "äß0 .:-", min_size=1, max_size=12)


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(PLAIN, inner)))
def test_what_is_dumped_is_read_back(value):
    text = pyyaml.safe_dump(value, allow_unicode=True)
    assert yaml.parse(text).root == value
