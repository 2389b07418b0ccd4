"""Which runs are due."""

from __future__ import annotations

import datetime
import math

from ansible_collections.c8s.ci.plugins.module_utils.runs.agenda import Agenda

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return BEGIN + datetime.timedelta(seconds=seconds)


def test_what_is_noted_is_due_once() -> None:
    agenda = Agenda()
    agenda.at_once(["a", "b", "a"])
    assert agenda.seconds(at(0)) == 0
    assert agenda.take(at(0)) == {"a", "b"}
    assert agenda.take(at(0)) == set()


def test_what_has_a_time_is_due_from_then_on() -> None:
    agenda = Agenda()
    agenda.at("a", at(5))
    agenda.at("b", at(7))
    assert agenda.seconds(at(2)) == 3
    assert agenda.take(at(4.9)) == set()
    assert agenda.take(at(5)) == {"a"}
    assert agenda.seconds(at(5)) == 2


def test_the_later_word_about_a_time_counts() -> None:
    agenda = Agenda()
    agenda.at("a", at(5))
    agenda.at("a", at(9))
    agenda.at("b", at(5))
    agenda.at("b", None)
    assert agenda.take(at(6)) == set()
    assert agenda.seconds(at(6)) == 3
    agenda.at("a", at(7))
    assert agenda.take(at(7)) == {"a"}
    assert agenda.take(at(9)) == set()


def test_what_is_dropped_is_never_due() -> None:
    agenda = Agenda()
    agenda.at_once(["a"])
    agenda.at("a", at(1))
    agenda.drop("a")
    assert agenda.take(at(2)) == set()
    assert agenda.seconds(at(2)) == math.inf
