"""The schemas in force, and whether an event keeps them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from jsonschema_rs import Validator

from bridge.errors import ConfigError
from bridge.model import Event, Failure, Fields
from bridge.validate.files import Schema, bundled, compiled, parsed, user_files
from bridge.validate.quick import quick
from bridge.validate.rules import Rules
from bridge.validate.wording import pointer, wording

OTHER: Final = "event"
"""The schema of every type that has none of its own."""

RECORD: Final = "record"
"""The schema of what the bridge writes. No event is checked against it, and no user can replace it."""

# More say nothing new about one event, and a list of 8 MiB could break a rule a million times.
_MAX_VIOLATIONS = 100

_Check = Callable[[Fields], bool]


class Schemas:
    """
    Compiled schemas, read once (`Schemas.load`) and never changed; for any thread.

    An event is checked against the schema of its type, or `event.json` where there is none. Against a user's own
    schema it is checked only once it has kept our `event.json`: records are built on the envelope and `uuid`, and no
    schema may loosen them.
    """

    def __init__(
        self,
        texts: Mapping[str, bytes],
        schemas: Mapping[str, Schema],
        users: Mapping[str, str],
        *,
        strict: bool = False,
    ) -> None:
        """
        Compile; for everybody else there is `Schemas.load`.

        Args:
            texts: the files in force by name, `record` among them.
            schemas: the same, parsed.
            users: those that are the user's, each with what to call its file.
            strict: see `load`.

        Raises:
            ConfigError: every schema that does not compile.
        """
        self.replaced: Final = frozenset(users) & frozenset(bundled())
        """Which of ours (`event` among them) a user's file stands in for."""
        self._texts = dict(texts)
        ours: dict[str, Schema] = {name: parsed(text) for name, text in bundled().items()}
        self._ours = compiled(ours, ours, {})
        self._documented = {name: frozenset(_properties(schema)) for name, schema in ours.items()}
        self._nullable = {
            name: self._documented[name] if name in self.replaced else _nullable(schema)
            for name, schema in ours.items()
        }
        in_force = [name for name in schemas if name != RECORD]
        self._validators = {name: self._ours[name] for name in in_force if name not in users}
        self._validators.update(compiled(schemas, users, users))
        if strict:
            self._validators.update(compiled(schemas, [name for name in in_force if name != OTHER], users, strict=True))
        self._lax = frozenset(users)
        # One call into jsonschema-rs says of nearly every event that it is valid.
        self._valid = {name: self._quick(name) for name in self._validators}
        self._valid_other = self._valid.pop(OTHER)
        self._settled = {
            name: _Settled(self._valid[name], self._documented[name])
            for name, schema in ours.items()
            if name in self._valid and name not in users and _is_settled(schema)
        }
        quickly = {name: quick(ours[name]) for name in self._settled}
        self._quickly: dict[str, Rules] = {name: rules for name, rules in quickly.items() if rules is not None}

    @classmethod
    def load(cls, directory: Path | None = None, *, strict: bool = False) -> "Schemas":
        """
        Our schemas, and over them those of a user's directory.

        `order-paid.json` there is the schema of events of type `order-paid`; a file named like one of ours replaces it;
        `record.json` cannot be replaced. Names that do not end in `.json`, hidden ones and folders are not looked at.
        `$ref` finds files by their names, the user's first, and nothing is ever fetched from elsewhere.

        Args:
            strict: close them, but for `event`: a field that a schema does not name violates it.

        Raises:
            ConfigError: every problem of the directory at once, each with its file: unreadable, not JSON, no valid
                schema, a `$ref` that leads nowhere or elsewhere, `record.json`.
        """
        texts = bundled()
        schemas: dict[str, Schema] = {name: parsed(text) for name, text in texts.items()}
        users: dict[str, str] = {}
        problems: list[str] = []
        for path in user_files(directory) if directory is not None else ():
            if path.stem == RECORD:
                problems.append(f"{path}: what the bridge writes has a schema of its own that cannot be replaced")
                continue
            try:
                text = path.read_bytes()
                schemas[path.stem] = parsed(text)
            except OSError as error:
                problems.append(f"{path}: {error.strerror}")
            except ValueError as error:
                problems.append(f"{path}: not a JSON schema: {error}")
            else:
                texts[path.stem] = text
                users[path.stem] = str(path)
        try:
            loaded = cls(texts, schemas, users, strict=strict)
        except ConfigError as error:
            problems += error.problems
        if problems:
            raise ConfigError(problems)
        return loaded

    def check(self, event: Event) -> Failure | None:
        """
        None when the event keeps its schema; else the first of its violations, reason `schema`.

        Total over everything that decode returns; nothing is changed. Cost: about 1.2 us for a valid event.
        """
        valid = self._valid.get(event.type, self._valid_other)
        return None if valid(event.fields) else self.violations(event)[0]

    def plain(self, events: Sequence[Event], harmless: Callable[[Event], bool]) -> int:
        """
        How many of the events, from the first on, are plain: keep their schemas, and nothing in them calls for a closer
        look at their text.

        A schema of ours may leave no room for nesting and for numbers beyond 64 bits: then an event that has no other
        fields is plain. Any other is when it is harmless. None of a type that a user's schema replaces is.

        Args:
            harmless: says so of an event.
        """
        quick, count = self._quickly, 0
        for event in events:
            rules = quick.get(event.type)
            if rules is not None and rules.keep(event.fields):
                event.names = rules.names
            elif not self._is_plain(event, harmless):
                break
            count += 1
        return count

    def _is_plain(self, event: Event, harmless: Callable[[Event], bool]) -> bool:
        fields, kind = event.fields, self._settled.get(event.type)
        if kind is None:
            valid = self._valid.get(event.type, self._valid_other)
            return event.type not in self.replaced and valid(fields) and harmless(event)
        if not kind.valid(fields):
            return False
        names = tuple(fields)
        if names != kind.names:
            if not kind.documented.issuperset(names):
                return harmless(event)
            kind.names = names
        return True

    def violations(self, event: Event) -> list[Failure]:
        """Each violation of the event (at most 100), by JSON pointer, each with our own words and no value; 0..n."""
        name = event.type if event.type != RECORD and event.type in self._validators else OTHER
        if name in self._lax and (found := _violations(event, self._ours[OTHER], OTHER)):
            return found
        return _violations(event, self._validators[name], name)

    def _quick(self, name: str) -> _Check:
        theirs = self._validators[name].is_valid
        return _both(self._ours[OTHER].is_valid, theirs) if name in self._lax else theirs

    def misfits(self, event: Event) -> frozenset[str]:
        """
        Documented fields of the event that do not fit the type they have in the record, so belong in `extra`.

        They occur only where an event violates its schema, or in a type that a user's schema replaces (`replaced`).
        """
        name = event.type if event.type in self._documented and event.type != RECORD else OTHER
        return self._documented[name].intersection(
            str(error.instance_path[0]) for error in self._ours[name].iter_errors(event.fields) if error.instance_path
        )

    def fitting(self, event: Event) -> Event:
        """The event without its misfits; itself where it has none. For what may learn only what a record can show."""
        misfits = self.misfits(event)
        if not misfits:
            return event
        fields = {name: value for name, value in event.fields.items() if name not in misfits}
        return Event(event.type, fields, event.delivery, event.index)

    def documented(self, event_type: str) -> frozenset[str]:
        """
        Names of the fields that stand on top of the record of such an event, `type` among them; the rest is `extra`.

        They are those of our own schema, whoever replaced it: records have one shape. Of a type that we have no schema
        for, with or without one of the user's, they are the envelope and `uuid`.
        """
        return self._documented.get(event_type if event_type != RECORD else OTHER, self._documented[OTHER])

    def nullable(self, event_type: str) -> frozenset[str]:
        """Which documented fields of such an event may be null; for many types none, so that none is looked for."""
        name = event_type if event_type != RECORD else OTHER
        return self._nullable[name] if name in self._nullable and name != OTHER else self._documented[OTHER]

    def types(self) -> list[str]:
        """Names of the schemas in force, alphabetically: event types, ours and the user's, and `event` and `record`."""
        return sorted(self._texts)

    def text(self, name: str) -> bytes:
        """
        The file of a schema in force, byte for byte.

        Raises:
            KeyError: there is none of this name.
        """
        return self._texts[name]


@dataclass(slots=True)
class _Settled:
    """A type whose schema says everything about the values of its documented fields."""

    valid: _Check
    documented: frozenset[str]
    names: tuple[str, ...] = ()
    """Of the last event that had no others: the next one has the same, nearly always."""


def _is_settled(schema: Schema) -> bool:
    """Whether documented fields can hold texts, flags and bounded numbers only, and lists of such numbers."""
    assert isinstance(schema, dict)  # noqa: S101 - one of our own files, a test reads them all
    return all(_is_scalar(schema, rule) for rule in schema["properties"].values())


def _is_scalar(schema: dict[str, Any], rule: dict[str, Any]) -> bool:
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    if "const" in rule:
        return True
    kinds = rule.get("type", "any")
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if kinds == {"array"}:
        return "maxItems" in rule and _is_scalar(schema, rule["items"])
    bounded = "maximum" in rule and ("minimum" in rule or "exclusiveMinimum" in rule)
    return kinds <= {"string", "null", "boolean"} | ({"number", "integer"} if bounded else set())


def _both(first: _Check, second: _Check) -> _Check:
    return lambda fields: first(fields) and second(fields)


def _violations(event: Event, validator: Validator, name: str) -> list[Failure]:
    found = [
        (error.instance_path, wording(error)) for error in islice(validator.iter_errors(event.fields), _MAX_VIOLATIONS)
    ]
    failures = {
        (pointer(path), text): Failure("schema", text, event.index, pointer(path), f"{name}.json")
        for path, text in found
    }
    return [failures[key] for key in sorted(failures)]


def _properties(schema: Schema) -> dict[str, Any]:
    assert isinstance(schema, dict)  # noqa: S101 - one of our own files, a test reads them all
    properties: dict[str, Any] = schema["properties"]
    return properties


def _nullable(schema: Schema) -> frozenset[str]:
    """The properties that take null; our schemas say so by `type`, or by saying nothing at all."""
    assert isinstance(schema, dict)  # noqa: S101 - as above

    def takes_null(rule: dict[str, Any]) -> bool:
        if "$ref" in rule:
            rule = schema["$defs"][rule["$ref"].removeprefix("#/$defs/")]
        kinds = rule.get("type")
        return ("const" not in rule) if kinds is None else "null" in ([kinds] if isinstance(kinds, str) else kinds)

    return frozenset(name for name, rule in _properties(schema).items() if takes_null(rule))
