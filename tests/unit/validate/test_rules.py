"""What each rule says yes to; `test_quick` asks the same through schemas."""

from math import inf, nan

import pytest

from bridge.validate.rules import EXACT, FAST_INTEGER, ORDERS_TRIED, Number, Rule, Rules, Several, Text, Truth, Whole

ANY_TEXT = Text(nullable=False, shortest=0, longest=None, matches=None)
ANY_INTEGER = Whole(nullable=False, low=None, high=None)
ANY_NUMBER = Number(nullable=False)


@pytest.mark.parametrize(
    "rule",
    [
        Text(nullable=True, shortest=1, longest=None, matches=None),
        Whole(nullable=True, low=1, high=None),
        Number(nullable=True, low=1),
        Truth(nullable=True),
        Several(nullable=True, item=ANY_TEXT, length=1),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_null_keeps_a_nullable_rule_and_other_types_do_not(rule: Rule) -> None:
    """Null is of no other type, and no other type is null."""
    assert rule.keeps(None)
    assert not rule.keeps({})
    assert not rule.keeps(object())


def test_integers_too_large_for_a_register_are_left_to_others() -> None:
    """Whatever bounds there are, and if there are none."""
    wide = Whole(nullable=False, low=-(2**63), high=2**64)

    for rule in (ANY_INTEGER, wide):
        assert rule.keeps(FAST_INTEGER)
        assert not rule.keeps(FAST_INTEGER + 1)
        assert rule.keeps(-FAST_INTEGER)
        assert not rule.keeps(-FAST_INTEGER - 1)


def test_integers_that_are_no_double_are_left_to_others() -> None:
    """2**53 + 1 is 2**53 as a double, and may be beyond a bound that this one keeps."""
    rule = Number(nullable=False, high=EXACT)

    assert rule.keeps(EXACT)
    assert not rule.keeps(EXACT + 1)
    assert not rule.keeps(-EXACT - 1)
    assert rule.keeps(float(-EXACT) * 2)


def test_no_double_lies_between_an_excluded_bound_and_the_next() -> None:
    """The smallest one above zero keeps `above=0`, zero does not."""
    rule = Number(nullable=False, above=0)

    assert rule.keeps(5e-324)
    assert not rule.keeps(0.0)
    assert not rule.keeps(-0.0)
    assert not rule.keeps(0)
    assert not rule.keeps(nan)
    assert ANY_NUMBER.keeps(-inf)


def test_length_and_pattern_of_a_text_are_both_asked() -> None:
    """A text within its length that does not match is none, nor is one that matches and is too long."""
    rule = Text(nullable=False, shortest=2, longest=3, matches=str.isdigit)

    assert [rule.keeps(text) for text in ("12", "123", "1", "1234", "ab")] == [True, True, False, False, False]


def test_each_field_is_asked_its_own_rule() -> None:
    """By its name, in whatever order the event has them; a field without a rule counts."""
    rules = Rules(["a", "b"], [ANY_TEXT, ANY_INTEGER], unruled=["type"])

    assert rules.keep({"b": 1, "type": "x", "a": "text"})
    assert not rules.keep({"b": "text", "type": "x", "a": 1})
    assert not rules.keep({"a": "text", "b": 1})
    assert not rules.keep({"a": "text", "c": 1, "type": "x"})


def test_the_order_of_fields_is_learnt_again_when_it_lasts() -> None:
    """Whatever order a cluster's version of Celery has; of two that take turns one stays."""
    rules = Rules(["a", "b"], [ANY_TEXT, ANY_INTEGER], unruled=["type"])
    orders = [{"a": "text", "b": 1, "type": "x"}, {"b": 1, "type": "x", "a": "text"}]

    for fields in orders * 3:
        assert rules.keep(fields)
        assert rules._seen == ("a", "b", "type")
    for _ in range(ORDERS_TRIED):
        assert rules.keep(orders[1])
    assert rules._seen == ("b", "type", "a")
    assert not rules.keep({"b": "1", "type": "x", "a": "text"})


def test_equal_names_that_are_other_objects_are_learnt_as_well() -> None:
    """A parser that forgot a name makes another object of it: what asks by identity learns that one."""
    rules = Rules(["name"], [ANY_TEXT])
    other = "".join(["na", "me"])

    assert rules.keep({"name": "text"})
    for _ in range(ORDERS_TRIED + 1):
        assert rules.keep({other: "text"})
    assert rules._seen[0] is other
