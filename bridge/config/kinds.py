"""
Kinds of values: how each is read from text (flag, environment) or from a file, and written back.

`read` takes what a layer gave: a `Word` from a flag or the environment, any TOML or JSON value from a file.
It raises ValueError with the rest of a sentence that begins with the option's name; it never repeats a secret.
"""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from bridge.config.nearest import did_you_mean
from bridge.config.secret import Properties

T = TypeVar("T", covariant=True)

_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", list: "a list",
               tuple: "a list", dict: "a table", type(None): "null"}  # fmt: skip
_TRUE = frozenset(("1", "true", "yes", "on", "y", "t"))
_FALSE = frozenset(("0", "false", "no", "off", "n", "f"))
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(|[kmgt]i?b|b)$", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
               "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # fmt: skip
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)\s*(|ms|s|m|h|d)$", re.IGNORECASE)
_SECOND_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Word(str):
    """Text that may stand for a number or a switch: a flag or the environment has no other type, unlike a file."""

    __slots__ = ()


class Kind(Protocol[T]):
    """What a value may be. `metavar` is what `--help` shows in its place, `expected` what a message calls it."""

    @property
    def metavar(self) -> str: ...

    @property
    def expected(self) -> str: ...

    def read(self, raw: Any) -> T:
        """
        The value.

        Raises:
            ValueError: it is none; the text is the end of a sentence.
        """
        ...

    def write(self, value: Any) -> Any:
        """As TOML or JSON holds it; secrets masked."""
        ...


def type_name(value: object) -> str:
    """What a user calls the type of a value in a TOML or JSON file."""
    return _TYPE_NAMES.get(type(value), f"a {type(value).__name__}")


def wrong_type(expected: str, raw: object) -> ValueError:
    """The error for a value of another type; the value is not repeated."""
    return ValueError(f"expected {expected}, not {type_name(raw)}")


def shown(text: str) -> str:
    """A wrong value as a message repeats it: quoted, escaped, at most 80 characters."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def plain_text(raw: object, expected: str) -> str:
    """`raw` as text that every later layer can hold: a string, valid UTF-8, without NUL."""
    if not isinstance(raw, str):
        raise wrong_type(expected, raw)
    if "\0" in raw:
        raise ValueError("it holds a NUL character")
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            raise ValueError("it is not UTF-8") from None
    return raw


@dataclass(frozen=True, slots=True)
class Text:
    """A string that matches `pattern` as a whole; `rule` says what the pattern means."""

    metavar: str = "TEXT"
    pattern: str = r".+"
    rule: str = "it is empty"
    expected: str = "a string"

    def read(self, raw: Any) -> str:
        text = plain_text(raw, self.expected)
        if not re.fullmatch(self.pattern, text, re.DOTALL):
            raise ValueError(f"{shown(text)}: {self.rule}")
        return text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; letter case does not matter."""

    choices: tuple[str, ...]
    expected: str = "a string"

    @property
    def metavar(self) -> str:
        return "|".join(self.choices)

    def read(self, raw: Any) -> str:
        text = plain_text(raw, self.expected)
        if text.lower() not in self.choices:
            raise ValueError(f"{shown(text)} is none of {', '.join(self.choices)}{did_you_mean(text, self.choices)}")
        return text.lower()

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number from `low` to `high`."""

    low: int = 1
    high: int = 2**53
    metavar: str = "N"
    expected: str = "a whole number"

    def read(self, raw: Any) -> int:
        if isinstance(raw, Word) and re.fullmatch(r"\s*[+-]?\d[\d_]{0,30}\s*", raw, re.ASCII):
            raw = int(raw.replace("_", ""))
        elif isinstance(raw, Word):
            raise ValueError(f"{shown(raw)} is no whole number")
        if type(raw) is not int:
            raise wrong_type(self.expected, raw)
        if not self.low <= raw <= self.high:
            raise ValueError(f"{raw} is not from {self.low} to {self.high}")
        return raw

    def write(self, value: int) -> int:
        return value


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes: a whole number, or text like 64MiB or 1.5 GB."""

    low: int = 1
    metavar: str = "BYTES"
    expected: str = "a number of bytes, as 67108864 or '64MiB'"

    def read(self, raw: Any) -> int:
        if isinstance(raw, str):
            match = _SIZE.match(raw.strip())
            if match is None or len(raw) > 40:
                raise ValueError(f"{shown(raw)} is no size; write 67108864 or 64MiB")
            raw = round(float(match[1]) * _SIZE_UNITS[match[2].lower()]) if match[2] else _whole(match[1], raw)
        if type(raw) is not int:
            raise wrong_type(self.expected, raw)
        if not self.low <= raw <= 2**53:
            raise ValueError(f"{raw} is not from {self.low} to {2**53} bytes")
        return raw

    def write(self, value: int) -> int:
        return value


def _whole(digits: str, raw: str) -> int:
    if "." in digits:
        raise ValueError(f"{shown(raw)} is no whole number of bytes")
    return int(digits)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time of `low` seconds or more: a number, or text with a unit like 90s, 5m, 2h."""

    low: float = 0.0
    metavar: str = "S"
    expected: str = "a number of seconds"

    def read(self, raw: Any) -> float:
        if isinstance(raw, str):
            match = _SECONDS.match(raw.strip())
            if match is None or len(raw) > 40:
                raise ValueError(f"{shown(raw)} is no number of seconds; write 90, 1.5 or 5m")
            raw = float(match[1]) * _SECOND_UNITS[match[2].lower()]
        if type(raw) not in (int, float):
            raise wrong_type(self.expected, raw)
        # A century is more than anybody waits for, and far below what timers overflow at.
        if not math.isfinite(raw) or not self.low <= raw <= 3_155_760_000:
            raise ValueError(f"{raw} is not from {self.low:g} to 3155760000 seconds")
        return float(raw)

    def write(self, value: float) -> float:
        return value


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    metavar: str = ""
    expected: str = "true or false"

    def read(self, raw: Any) -> bool:
        if isinstance(raw, Word):
            if (word := raw.strip().lower()) in _TRUE | _FALSE:
                return word in _TRUE
            raise ValueError(f"{shown(raw)} is neither true nor false")
        if type(raw) is not bool:
            raise wrong_type(self.expected, raw)
        return raw

    def write(self, value: bool) -> bool:
        return value


@dataclass(frozen=True, slots=True)
class FilePath:
    """A path as the user wrote it: relative to the working directory; `~` is the home directory."""

    metavar: str = "PATH"
    expected: str = "a path"

    def read(self, raw: Any) -> Path:
        text = plain_text(raw, self.expected)
        if not text:
            raise ValueError("the path is empty")
        return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib takes the file ./~x for a home directory

    def write(self, value: Path) -> str:
        return f"./{value}" if str(value).startswith("~") else str(value)


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """A list of values of one kind; a single value is a list of one."""

    each: Kind[T]

    @property
    def metavar(self) -> str:
        return self.each.metavar

    @property
    def expected(self) -> str:
        return f"{self.each.expected} or a list of them"

    def read(self, raw: Any) -> tuple[T, ...]:
        if isinstance(raw, dict):
            raise wrong_type(self.expected, raw)
        items: Sequence[Any] = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(self.each.read(item) for item in items)

    def write(self, value: Iterable[Any]) -> list[Any]:
        return [self.each.write(item) for item in value]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values: a table, or `name=value` once or in a list. No problem repeats a value: it may be a secret."""

    metavar: str = "NAME=VALUE"
    expected: str = "name=value, a list of them, or a table"

    def read(self, raw: Any) -> Properties:
        if isinstance(raw, Mapping):
            return Properties({plain_text(name, "a name"): self._value(name, value) for name, value in raw.items()})
        values: dict[str, str] = {}
        for item in raw if isinstance(raw, list | tuple) else [raw]:
            name, mark, value = plain_text(item, self.expected).partition("=")
            if not mark or not name.strip():
                raise ValueError("expected name=value")
            values[name.strip()] = self._value(name, value)
        return Properties(values)

    def _value(self, name: str, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        return plain_text(value, f"a string for {name}")

    def write(self, value: Properties) -> dict[str, str]:
        return value.masked
