"""
A check in plain Python of what nearly every event is: one that has all fields of its schema and no others.

jsonschema-rs first makes its own objects of an event, which costs more than a look at each value. So our own schemas,
which are simple, are written out as one expression: for task-started

    len(f) == 7 and (v := f["hostname"]).__class__ is str and 1 <= len(v) and (v := f["pid"]).__class__ is int and ...

It only ever says yes. Whatever it does not know is for jsonschema-rs: an event that breaks a rule, one with fields of
its own, a rule of another kind.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.model import Fields
from bridge.names import as_parsed
from bridge.validate.files import Schema

Check = Callable[[Fields], object]
"""True or false by its truth."""

_PLAIN = {"$schema", "$id", "$defs", "title", "description", "type", "required", "properties", "dependentRequired"}
"""Keywords of a schema whose objects are valid when they hold all of its properties, each as its own rule says."""

_CLASSES = {
    "string": "v.__class__ is str",
    "boolean": "v.__class__ is bool",
    "integer": "v.__class__ is int",  # 5.0 is one too, and left to jsonschema-rs
    "number": "(v.__class__ is float or v.__class__ is int)",
}

_BOUNDS = {"minimum": "{} <= v", "maximum": "v <= {}", "exclusiveMinimum": "{} < v", "exclusiveMaximum": "v < {}"}
_LENGTHS = {"minLength": "{} <= len(v)", "maxLength": "len(v) <= {}"}

_PORTABLE = re.compile(r"\^(?:[^\\$^.]|\\[d.])*\$")
"""Patterns that mean the same to Python, but for its `$` and its digits of other scripts: bound at both ends, nothing
that depends on what a letter or a line is."""

_ITEMS = 8
"""A list of at most so many items, and of one length, is asked item by item."""


def quick(schema: Schema) -> Check | None:
    """
    The check of one of our own schemas; None where a schema says more than it can ask.

    Of the events that carry the schema's `type`, which is not asked. True: the event keeps the schema, and has exactly
    the fields that it names. False or KeyError: unknown. A schema must not come from a user: its names and bounds
    become code.
    """
    if isinstance(schema, bool) or not schema.keys() <= _PLAIN:
        return None
    properties: Mapping[str, Any] = schema["properties"]
    asked = [f"len(f) == {len(properties)}"]
    names: dict[str, object] = {f"n{place}": name for place, name in enumerate(as_parsed(*properties))}
    for place, (name, rule) in enumerate(properties.items()):
        if name == "type" and "const" in rule:
            continue
        terms = _terms(schema, rule, f"f[n{place}]", names)
        if terms is None:
            return None
        asked += terms
    check: Check = eval(f"lambda f: {' and '.join(asked)}", names)  # noqa: S307 - made of our own schemas alone
    return check


def _terms(
    schema: Mapping[str, Any], rule: Mapping[str, Any], value: str, names: dict[str, object]
) -> list[str] | None:
    """What is asked of a value, in order; None: more than can be asked. `names` gets what the terms call."""
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    kinds = rule.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    rules = rule.keys() - {"type", "description"}
    if kinds == {"array"} and rules == {"items", "minItems", "maxItems"}:
        return _each(schema, rule, value, names)
    scalar = kinds - {"null"}
    if len(scalar) != 1 or not scalar <= _CLASSES.keys():
        return None
    (kind,) = scalar
    bounds = _LENGTHS if kind == "string" else _BOUNDS
    kept = [_CLASSES[kind], *(_bound(bounds[name], rule[name]) for name in sorted(rules & bounds.keys()))]
    if rules - bounds.keys() == {"pattern"} and kind == "string" and _PORTABLE.fullmatch(rule["pattern"]):
        names[f"p{len(names)}"] = re.compile(rule["pattern"][:-1] + r"\Z", re.ASCII).match
        kept.append(f"p{len(names) - 1}(v)")
    elif not rules <= bounds.keys():
        return None
    if "null" in kinds:
        return [f"((v := {value}) is None or {' and '.join(kept)})"]
    return [kept[0].replace("v", f"(v := {value})", 1), *kept[1:]]


def _bound(form: str, limit: float) -> str:
    """A text of at least one character is one that is not empty, which asks for no length."""
    return "v" if form == _LENGTHS["minLength"] and limit == 1 else form.format(limit)


def _each(schema: Mapping[str, Any], rule: Mapping[str, Any], value: str, names: dict[str, object]) -> list[str] | None:
    """The same of a list's items."""
    length = rule["minItems"]
    if length != rule["maxItems"] or length > _ITEMS:
        return None
    asked = [f"(items := {value}).__class__ is list", f"len(items) == {length}"]
    for place in range(length):
        terms = _terms(schema, rule["items"], f"items[{place}]", names)
        if terms is None:
            return None
        asked += terms
    return asked
