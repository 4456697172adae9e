"""
A check in plain Python of what nearly every event is: one that has all fields of its schema and no others.

jsonschema-rs first makes its own objects of an event, which costs more than a look at each value. So our own schemas,
which are simple, become a rule for each field (`bridge.validate.rules`), which are asked in turn.

It only ever says yes. Whatever it does not know is for jsonschema-rs: an event that breaks a rule, one with fields of
its own, a rule of another kind.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.names import as_parsed
from bridge.validate.files import Schema
from bridge.validate.rules import Number, Rule, Rules, Several, Text, Truth, Whole

_PLAIN: Final = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "type", "required", "properties", "dependentRequired"}
)
"""Keywords of a schema whose objects are valid when they hold all of its properties, each as its own rule says."""

_KNOWN: Final = {
    "string": {"minLength", "maxLength", "pattern"},
    "boolean": set[str](),
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum", "exclusiveMinimum"},
    "array": {"items", "minItems", "maxItems"},
}
"""Keywords that can be asked of a value of each type."""

_PORTABLE: Final = re.compile(r"\^(?:[^\\$^.]|\\[d.])*\$")
"""Patterns that mean the same to Python, but for its `$` and its digits of other scripts: bound at both ends, nothing
that depends on what a letter or a line is."""


def quick(schema: Schema) -> Rules | None:
    """
    The check of one of our own schemas; None where a schema says more than it can ask.

    Of the events that carry the schema's `type`, which is not asked.
    """
    if isinstance(schema, bool) or not schema.keys() <= _PLAIN:
        return None
    properties: Mapping[str, Any] = schema["properties"]
    names, rules, unruled = [], [], []
    for name, asked in zip(as_parsed(*properties), properties.values(), strict=True):
        if name == "type" and "const" in asked:
            unruled.append(name)
            continue
        rule = _rule(schema, asked)
        if rule is None:
            return None
        names.append(name)
        rules.append(rule)
    return Rules(names, rules, unruled=unruled)


def _rule(schema: Mapping[str, Any], asked: Mapping[str, Any]) -> Rule | None:
    """What is asked of a value; None: more than can be asked."""
    if "$ref" in asked:
        asked = schema["$defs"][asked["$ref"].removeprefix("#/$defs/")]
    types = asked.get("type", [])
    kinds = {types} if isinstance(types, str) else set(types)
    nullable = "null" in kinds
    kinds.discard("null")
    kind = kinds.pop() if len(kinds) == 1 else ""
    if kind not in _KNOWN or not asked.keys() - {"type", "description"} <= _KNOWN[kind]:
        return None
    if kind == "string":
        return _text(asked, nullable=nullable)
    if kind == "array":
        return _several(schema, asked, nullable=nullable)
    if kind == "boolean":
        return Truth(nullable=nullable)
    if kind == "integer":
        return Whole(nullable=nullable, low=asked.get("minimum"), high=asked.get("maximum"))
    bounds = {"above": "exclusiveMinimum", "low": "minimum", "high": "maximum"}
    return Number(nullable=nullable, **{bound: asked[name] for bound, name in bounds.items() if name in asked})


def _text(asked: Mapping[str, Any], *, nullable: bool) -> Rule | None:
    pattern, matches = asked.get("pattern"), None
    if pattern is not None:
        if not _PORTABLE.fullmatch(pattern):
            return None
        matches = re.compile(pattern[:-1] + r"\Z", re.ASCII).match
    return Text(nullable=nullable, shortest=asked.get("minLength", 0), longest=asked.get("maxLength"), matches=matches)


def _several(schema: Mapping[str, Any], asked: Mapping[str, Any], *, nullable: bool) -> Rule | None:
    length = asked.get("minItems")
    if length is None or length != asked.get("maxItems") or "items" not in asked:
        return None
    item = _rule(schema, asked["items"])
    return None if item is None else Several(nullable=nullable, item=item, length=length)
