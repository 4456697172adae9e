"""What a violation is called."""

from typing import Any

import jsonschema_rs
import pytest

from bridge.validate.wording import pointer, wording

SECRET = "hunter2"

# A schema, a value that breaks it, and the words.
CASES: list[tuple[Any, Any, list[str]]] = [
    ({"type": "string"}, 5, ["not of type string"]),
    ({"type": ["string", "null"]}, [SECRET], ["not of type string or null"]),
    ({"type": ["null", "string", "integer"]}, {SECRET: 1}, ["not of type integer, string or null"]),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, SECRET, ["not of type integer or null"]),
    ({"anyOf": [{"type": "null"}, {"const": 3}]}, SECRET, ["none of the forms that are accepted"]),
    ({"oneOf": [{"type": "null"}, {"type": "array"}]}, SECRET, ["not of type array or null"]),
    (
        {"oneOf": [{"type": "string"}, {"minLength": 1}]},
        SECRET,
        ["more than one of the forms of which only one is accepted"],
    ),
    ({"anyOf": [{"properties": {"a": {"type": "null"}}}]}, {"a": SECRET}, ["none of the forms that are accepted"]),
    ({"required": ["uuid"]}, {SECRET: 1}, ["uuid is missing"]),
    ({"dependentRequired": {SECRET: ["b"]}}, {SECRET: 1}, ["b is missing"]),
    ({"minimum": 3}, 1, ["less than 3"]),
    ({"maximum": 3.5}, 99, ["greater than 3.5"]),
    ({"exclusiveMinimum": 0}, -7, ["not greater than 0"]),
    ({"exclusiveMaximum": 0}, 7, ["not less than 0"]),
    ({"multipleOf": 2}, 7, ["not a multiple of 2"]),
    ({"minLength": 1}, "", ["shorter than 1 character"]),
    ({"maxLength": 2}, SECRET, ["longer than 2 characters"]),
    ({"minItems": 3}, [SECRET], ["fewer than 3 items"]),
    ({"maxItems": 1}, [SECRET, 1], ["more than 1 item"]),
    ({"minProperties": 2}, {SECRET: 1}, ["fewer than 2 fields"]),
    ({"maxProperties": 0}, {SECRET: 1}, ["more than 0 fields"]),
    ({"const": "task-sent"}, SECRET, ['not "task-sent"']),
    ({"enum": ["a", 1, None]}, SECRET, ['none of "a", 1, null']),
    ({"pattern": "^[0-9]$"}, SECRET, ["does not match the pattern"]),
    ({"properties": {"a": True}, "additionalProperties": False}, {SECRET: 1}, ["has fields that are not allowed"]),
    ({"unevaluatedProperties": False}, {SECRET: 1}, ["has fields that are not allowed"]),
    ({"prefixItems": [True], "items": False}, [1, SECRET], ["not allowed"]),
    ({"unevaluatedItems": False}, [SECRET], ["has items that are not allowed"]),
    ({"propertyNames": {"maxLength": 1}}, {SECRET: 1}, ["has a field whose name is not allowed"]),
    ({"uniqueItems": True}, [SECRET, SECRET], ["has an item twice"]),
    ({"contains": {"type": "null"}}, [SECRET], ["lacks an item that is asked for"]),
    ({"not": {"type": "string"}}, SECRET, ["of a form that is not accepted"]),
    (False, SECRET, ["not allowed"]),
]


@pytest.mark.parametrize(("schema", "value", "words"), CASES, ids=lambda part: str(part)[:40])
def test_violation_is_said_without_its_value(schema: Any, value: Any, words: list[str]) -> None:
    """Each rule of JSON Schema has words, and none of them holds what was found."""
    errors = list(jsonschema_rs.validator_for(schema, offline=True).iter_errors(value))
    assert [wording(error) for error in errors] == words
    assert SECRET not in "".join(words)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([], ""),
        (["uuid"], "/uuid"),
        (["loadavg", 0], "/loadavg/0"),
        (["a/b", "c~d", ""], "/a~1b/c~0d/"),
        (["a\nb", "\x1b[31m", "\u2028"], "/a\\nb/\\u001b[31m/\\u2028"),
        (["żółć"], "/żółć"),
        (["x" * 1000], "/" + "x" * 255 + "…"),
    ],
)
def test_pointer_is_one_printable_line(path: list[str | int], text: str) -> None:
    """A JSON pointer with the standard's own escapes, no control characters and an end."""
    assert pointer(path) == text
