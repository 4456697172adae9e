"""Schema files: where they are, how they are read and compiled, and that nothing is fetched from elsewhere."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jsonschema_rs
import orjson
from jsonschema_rs import FancyRegexOptions, ReferencingError, ValidationError, Validator

from bridge.errors import ConfigError

BUNDLED: Final = Path(__file__).parents[1] / "schemas"
"""Our own schemas: one file per event type, `event.json` for every other type, `record.json` for what we write."""

Schema = dict[str, Any] | bool

# What file names are relative to while a `$ref` is looked for. No such scheme exists, so nothing can be meant by it.
_HERE = "local:///"

# Steps that a pattern may go back in one string before it counts as not matching (jsonschema-rs allows a million).
# Only patterns with look-around or back-references go back at all; ours have neither.
_PATTERNS = FancyRegexOptions(backtrack_limit=100_000)


def _address(name: str) -> str:
    """Where a schema is while references are resolved. An event's type may be any text, a URI may not."""
    return f"{_HERE}{quote(name)}.json"


def bundled() -> dict[str, bytes]:
    """The text of each of our schemas by name (`task-sent`, ..., `event`, `record`), in alphabetical order."""
    return {path.stem: path.read_bytes() for path in sorted(BUNDLED.glob("*.json"), key=lambda path: path.stem)}


def parsed(text: bytes) -> Schema:
    """
    A schema's text as objects.

    Raises:
        ValueError: not JSON, or neither an object nor a boolean.
    """
    value = orjson.loads(text)
    if not isinstance(value, dict | bool):
        raise ValueError("a schema is a JSON object")  # noqa: TRY004 - the caller asks whether the text is one
    return value


def user_files(directory: Path) -> list[Path]:
    """
    The `*.json` of a user's directory in alphabetical order, without hidden ones (ConfigMaps mount `..data`).

    Raises:
        ConfigError: it is not there, no directory, or cannot be listed.
    """
    try:
        found = sorted(directory.iterdir())
    except OSError as error:
        raise ConfigError(f"{directory}: {error.strerror}") from error
    return [path for path in found if path.suffix == ".json" and not path.name.startswith(".") and not path.is_dir()]


def closed(schema: Schema) -> Schema:
    """The same, with no place for a field that it does not name; what says itself what else there may be is kept."""
    if isinstance(schema, bool) or not schema.keys().isdisjoint(("additionalProperties", "unevaluatedProperties")):
        return schema
    return {**schema, "unevaluatedProperties": False}


def compiled(
    schemas: Mapping[str, Schema], wanted: Iterable[str], where: Mapping[str, str], *, strict: bool = False
) -> dict[str, Validator]:
    """
    Validators of the `wanted` schemas; `$ref` finds any of `schemas` by file name or `$id`, and nothing else.

    Args:
        schemas: by name, without `.json`.
        where: what to call a schema's file in a message, where not by its name.
        strict: close the wanted ones; what they refer to stays open, for they may add to it.

    Raises:
        ConfigError: every schema that is none, or refers to something that is not there.
    """
    known: dict[str, Schema] = {}
    for name, schema in schemas.items():
        known[_address(name)] = schema
        if isinstance(schema, dict) and isinstance(schema.get("$id"), str):
            known.setdefault(schema["$id"].removesuffix("#"), schema)

    def find(uri: str) -> Schema:
        return known[uri]  # a KeyError becomes a ReferencingError: there is no way out to the network

    validators: dict[str, Validator] = {}
    problems: list[str] = []
    for name in wanted:
        try:
            validators[name] = jsonschema_rs.validator_for(
                closed(schemas[name]) if strict else schemas[name],
                retriever=find,
                base_uri=_address(name),
                pattern_options=_PATTERNS,
            )
        except (ValidationError, ReferencingError, ValueError) as error:
            problems.append(f"{where.get(name, f'{name}.json')}: {_why(error)}")
    if problems:
        raise ConfigError(problems)
    return validators


def _why(error: Exception) -> str:
    """One line on why a schema does not compile. It may quote the schema: that is the reader's own file."""
    if not isinstance(error, ValidationError):
        return str(error)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Referencing):
        return "refers to what is not here: " + error.message.split(" is not present")[0].replace(_HERE, "")
    place = "".join(f"/{step}" for step in error.instance_path)
    return f"no valid schema: {error.message}" + (f" at {place}" if place else "")
