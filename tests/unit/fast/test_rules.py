"""bridge.fast.keeps: a yes is a yes of the rules in Python too; a no says nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bridge.fast
from bridge.decode import glance
from bridge.fast import plain
from bridge.model import Event
from bridge.names import as_parsed
from bridge.validate import Schemas
from bridge.validate.rules import Number, Rule, Rules, Several, Text, Truth, Whole
from tests.captures import FILES, deliveries

IN_C = bridge.fast.keeps is not plain.keeps
WANTED = pytest.mark.skipif(not IN_C, reason="nothing is compiled here")

LENGTHS = st.integers(0, 5)
BOUNDS = st.none() | st.integers(-3, 3) | st.integers(-(2**64), 2**64)
NUMBERS = st.floats(-3, 3) | st.floats(allow_nan=False)
TRUTHS = st.booleans()
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Text, nullable=TRUTHS, shortest=LENGTHS, longest=st.none() | LENGTHS, matches=st.none()),
    st.builds(Text, nullable=TRUTHS, shortest=LENGTHS, longest=st.none(), matches=st.just(str.isdigit)),
    st.builds(Whole, nullable=TRUTHS, low=BOUNDS, high=BOUNDS),
    st.builds(Number, nullable=TRUTHS, above=NUMBERS, low=NUMBERS, high=NUMBERS),
    st.builds(Truth, nullable=TRUTHS),
    st.builds(Several, nullable=TRUTHS, item=st.builds(Truth, nullable=TRUTHS), length=LENGTHS),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4, 4),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**61, 2**61 + 1, -(2**61) - 1, 2**63, 2**64, -(2**80)]),
    st.floats(),
    st.text(alphabet="1é€😀", max_size=6),
    st.lists(st.booleans(), max_size=3),
)
NAMES = as_parsed("a", "b", "c", "d")


@WANTED
@given(st.lists(st.tuples(RULES, VALUES), max_size=4))
def test_a_yes_is_the_rules_own(asked: list[tuple[Rule, Any]]) -> None:
    """Whatever rule and value; and where each rule can be asked there, a no is theirs too."""
    names = NAMES[: len(asked)]
    fields = dict(zip(names, (value for _, value in asked), strict=True))
    found = bridge.fast.keeps(fields, names, b"".join(rule.asked() for rule, _ in asked))
    simple = not any(isinstance(rule, Several) or (isinstance(rule, Text) and rule.matches) for rule, _ in asked)
    kept = all(rule.keeps(value) for rule, value in asked)
    assert found == kept if simple else found <= kept


@WANTED
def test_other_names_or_another_order_are_no_yes() -> None:
    """More of them, fewer, others, turned about, equal but not the same, and after one was taken away."""
    asked = Truth(nullable=False).asked() * 2
    first, second, third, _ = NAMES
    assert bridge.fast.keeps({first: True, second: True}, (first, second), asked)
    assert not bridge.fast.keeps({second: True, first: True}, (first, second), asked)
    assert not bridge.fast.keeps({first: True}, (first, second), asked)
    assert not bridge.fast.keeps({first: True, second: True, third: True}, (first, second), asked)
    assert not bridge.fast.keeps({first: True, third: True}, (first, second), asked)
    assert not bridge.fast.keeps({first: True, 5: True}, (first, second), asked)
    shrunk = dict.fromkeys(NAMES, True)
    del shrunk[third], shrunk[NAMES[3]]
    assert bridge.fast.keeps(shrunk, (first, second), asked)
    assert bridge.fast.keeps({}, (), b"")


@WANTED
def test_events_in_the_order_that_was_learnt_are_asked_once() -> None:
    """All of Celery's task events but those with a time to wait for, or it would all be for nothing."""
    rules, found = Schemas.load()._quickly, []
    for path in FILES:
        for _, delivery in deliveries(path):
            events: list[Event] = []
            glance(delivery, events)
            for event in events:
                asked, patterns = rules.get(event.type), (event.fields.get("eta"), event.fields.get("expires"))
                if event.type.startswith("task-") and patterns == (None, None) and asked and asked.keep(event.fields):
                    found.append(bridge.fast.keeps(event.fields, asked._seen, asked._asked))
    assert len(found) > 900
    assert all(found)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ({}, ()),
        ([], (), b""),
        ({}, [], b""),
        ({}, (), ""),
        ({}, (), b"1"),
        ({}, ("a",), b""),
        ({"a": 1}, ("a",), b"1"),
    ],
)
def test_a_fault_of_ours_is_said(arguments: tuple[Any, ...]) -> None:
    """And no memory is read that is not there."""
    if IN_C:
        with pytest.raises(TypeError):
            bridge.fast.keeps(*arguments)


def test_nothing_is_asked_where_nothing_is_compiled() -> None:
    """The rules in Python are: they say the same."""
    assert not plain.keeps({}, (), b"")
    rules = Rules(["a"], [Truth(nullable=False)])
    assert [rules.keep({"a": value}) for value in (True, None, True)] == [True, False, True]
