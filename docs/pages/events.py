"""docs/reference/events.md: every event type and record field from the schemas, and the specification of event_id."""

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge import identify
from bridge.decode import MAX_BODY_BYTES, MAX_CONTAINERS, MAX_DEPTH, MAX_EVENTS, MAX_KEYS
from bridge.validate import OTHER, RECORD, Schemas

_HEAD = f"""# Events and records

<!-- written by docs/generate.py from schemas/ and bridge/identify.py: do not edit -->

Every event is checked against the schema of its type, as Celery really sends it (4.4 to 5.7). A type that has none is
checked against [event.json](../../schemas/event.json). Fields that a schema does not name are accepted, and the record
holds them in `extra`. `celery-bridge schemas export DIR` writes the schemas in force.

A schema of your own is a file in the directory that `--schemas` names: `order-paid.json` for events of type
`order-paid`; a file named like one of these replaces it. Whatever it allows, the fields of
[any other event](#any-other-event) hold: a record needs a sender and a time. `$ref` finds files by their names, nothing
is ever fetched.

## What is read

A message is one event (a JSON object) or a list of them, workers send up to 24 in one. Its limits:

| what | at most |
|---|---|
| bytes of a message, as sent and after inflating | {MAX_BODY_BYTES // 2**20} MiB |
| events in a list | {MAX_EVENTS:,} |
| objects and lists in a message | {MAX_CONTAINERS:,} |
| levels of an event, itself the first | {MAX_DEPTH} |
| names in an event, those of nested objects included | {MAX_KEYS:,} |

- Content type `application/json`, or none. pickle, yaml, msgpack and signed messages are not looked into.
- Charset, by content encoding or `charset=`: UTF-8, US-ASCII, Latin-1, UTF-16, UTF-32.
- Header `compression`: gzip (zlib's format, which kombu means by it, and the real one), bzip2, lzma.
- What Python's `json.dumps` writes and JSON forbids is repaired: `NaN` and the infinities become null, lone surrogates
  U+FFFD, integers beyond 64 bit a string of their digits.
- Of a name that occurs twice in an object, the last counts.

The reason of a dead letter says what was wrong:

| reason | what |
|---|---|
| `content-type` | content type, charset or compression is not accepted |
| `too-large` | one of the limits above |
| `decode` | not JSON, not of the charset named, corrupt compression |
| `shape` | not an object, or `type` is missing or no string |
| `schema` | the event violates its schema |
| `poison` | nobody looked: the bridge died again and again while it held just this |
| `sink` | the topic can never hold the record |

In a list, only the events that are wrong are dead-lettered, but by the limits of the whole message.
"""

_ENVELOPE = ("type", "hostname", "utcoffset", "pid", "clock", "timestamp")

_KINDS = {"instant": "instant", "event_id": "UUID"}


def page() -> str:
    schemas = Schemas.load()
    files = {name: json.loads(schemas.text(name)) for name in schemas.types()}
    parts = [_HEAD, "## Event types", "", *every_event(files["task-started"])]
    for name in files:
        if name not in (OTHER, RECORD):
            parts += section(name, f"{files[name]['title']}. {files[name]['description']}", files[name], _ENVELOPE)
    parts += section("Any other event", files[OTHER]["description"], files[OTHER], ())
    parts += [*record(files[RECORD]), *event_id()]
    return "\n".join(parts)


def every_event(schema: dict[str, Any]) -> list[str]:
    """What all of Celery's own events carry, said once."""
    own = [name for name in schema["properties"] if name not in _ENVELOPE]
    return section("Every event of Celery's own", "All of them carry these fields.", schema, ("type", *own))


def section(title: str, about: str, schema: dict[str, Any], without: Sequence[str]) -> list[str]:
    """A heading, what it is, and a table of its fields but those said elsewhere."""
    lines = [f"### {title}", "", about, "", "| field | type | required | |", "|---|---|---|---|"]
    for field, rule in schema["properties"].items():
        if field not in without:
            needed = "yes" if field in schema["required"] else ""
            lines.append(f"| `{field}` | {kind(rule, schema['$defs'])} | {needed} | {rule['description']} |")
    return [*lines, "", *together(schema)]


def together(schema: dict[str, Any]) -> list[str]:
    """What a schema says about fields in relation to each other, in words."""
    lines = []
    if "dependentRequired" in schema:
        names = ", ".join(f"`{name}`" for name in schema["dependentRequired"])
        lines += [f"{names} come together or not at all.", ""]
    if "if" in schema:
        lines += ["`signum` is null when `terminated` is false, and not null when it is true.", ""]
    return lines


def record(schema: dict[str, Any]) -> list[str]:
    """The fields of record.json."""
    lines = ["## The record", "", schema["description"], ""]
    lines += [
        "`event_id`, `type` and `cluster` are always there, and for each valid event `event_time`, `hostname` and"
    ]
    lines += ["`timestamp`. Instants are UTC with milliseconds, cut and not rounded: `2026-11-20T11:47:55.123Z`."]
    lines += ["", "| field | type | |", "|---|---|---|"]
    for field, rule in schema["properties"].items():
        lines.append(f"| `{field}` | {kind(rule, schema['$defs'])} | {rule['description']} |")
    return [*lines, ""]


def kind(rule: dict[str, Any], definitions: dict[str, Any]) -> str:
    """The type of a field in a word or two."""
    if "$ref" in rule:
        name = rule["$ref"].removeprefix("#/$defs/")
        return _KINDS.get(name) or kind(definitions[name], definitions)
    if "const" in rule:
        return f"`{json.dumps(rule['const'])}`"
    kinds = rule.get("type", "any JSON")
    if kinds == "array":
        return f"list of {kind(rule['items'], definitions)}s"
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def event_id() -> list[str]:
    """The specification, from where the code has it."""
    text = ast.get_docstring(ast.parse(Path(identify.__file__).with_name("identify.py").read_text("utf-8"))) or ""
    vectors = "[tests/data/event-id-vectors.json](../../tests/data/event-id-vectors.json) holds events with their ids."
    return ["## `event_id`", "", text, "", vectors, ""]
