"""What a violation is called. jsonschema-rs's own messages echo the values that it found; these never do."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

# A pointer is read by people and travels in headers, and its names are the sender's: any length, any character.
_MAX_POINTER = 256

_Kind = ValidationErrorKind


def pointer(path: Sequence[str | int]) -> str:
    """
    A JSON pointer (RFC 6901) of printable characters: the others as `\\uXXXX`, cut with `…` above 256 characters.

    It is empty for the whole event.
    """
    text = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
    return text if len(text) <= _MAX_POINTER else text[:_MAX_POINTER] + "…"


def wording(error: ValidationError) -> str:
    """What is wrong, in words that hold nothing of the event; limits and names of fields come from the schema."""
    kind = error.kind
    if isinstance(kind, _Kind.Type):
        return _not_of(kind.types)
    if isinstance(kind, _Kind.AnyOf | _Kind.OneOfNotValid):
        return _not_any(kind.context)
    if isinstance(kind, _Kind.Required):
        return f"{kind.property} is missing"
    say = _LIMITS.get(kind.name)
    if say is not None:
        return say(kind.value)
    return _PLAIN.get(kind.name, f"breaks the rule {kind.name}")


def _not_of(types: Sequence[str]) -> str:
    """`not of type string`, `not of type string or null`: null comes last, it is never what one wanted to send."""
    names = sorted(set(types), key=lambda name: (name == "null", name))
    return "not of type " + " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _not_any(context: list[list[ValidationError]]) -> str:
    """Of alternatives that all ask for another type, the types; else no more than that none fits."""
    types: list[str] = []
    for errors in context:
        kind = errors[0].kind if errors else None
        if not isinstance(kind, _Kind.Type) or errors[0].instance_path:
            return "none of the forms that are accepted"
        types += kind.types
    return _not_of(types)


def _count(limit: Any, noun: str) -> str:
    return f"{limit} {noun}" if limit == 1 else f"{limit} {noun}s"


def _json(value: Any) -> str:
    return json.dumps(value, default=str)


_LIMITS: dict[str, Callable[[Any], str]] = {
    "minimum": lambda limit: f"less than {limit}",
    "maximum": lambda limit: f"greater than {limit}",
    "exclusiveMinimum": lambda limit: f"not greater than {limit}",
    "exclusiveMaximum": lambda limit: f"not less than {limit}",
    "multipleOf": lambda limit: f"not a multiple of {limit}",
    "minLength": lambda limit: f"shorter than {_count(limit, 'character')}",
    "maxLength": lambda limit: f"longer than {_count(limit, 'character')}",
    "minItems": lambda limit: f"fewer than {_count(limit, 'item')}",
    "maxItems": lambda limit: f"more than {_count(limit, 'item')}",
    "minProperties": lambda limit: f"fewer than {_count(limit, 'field')}",
    "maxProperties": lambda limit: f"more than {_count(limit, 'field')}",
    "const": lambda value: f"not {_json(value)}",
    "enum": lambda options: f"none of {', '.join(map(_json, options))}",
    "format": lambda name: f"not a {name}",
}

_PLAIN = {
    "pattern": "does not match the pattern",
    "additionalProperties": "has fields that are not allowed",
    "unevaluatedProperties": "has fields that are not allowed",
    "additionalItems": "has items that are not allowed",
    "unevaluatedItems": "has items that are not allowed",
    "propertyNames": "has a field whose name is not allowed",
    "uniqueItems": "has an item twice",
    "contains": "lacks an item that is asked for",
    "oneOf": "more than one of the forms of which only one is accepted",
    "not": "of a form that is not accepted",
    "falseSchema": "not allowed",
}
