"""The layers that options come from, lowest first: a file, the environment, flags. They are read here, not judged."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config.kinds import Word
from bridge.config.nearest import did_you_mean
from bridge.config.options import PREFIX, Option

_MAX_FILE_BYTES = 1024 * 1024
"""A configuration is a few KiB; a device or a log given by mistake must not fill the memory."""

# What Kubernetes puts into every container of a namespace that has a Service called celery-bridge or celery-bridge-*
# (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables), and what our tests use.
_FOREIGN = re.compile(
    rf"{PREFIX}(?:TEST_\w+|(?:\w+_)?SERVICE_HOST|(?:\w+_)?SERVICE_PORT(?:_\w+)?|(?:\w+_)?PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)"
)
_JSON = re.compile(r'\s*(?:\[\s*["\]{]|\{)')
"""A JSON list or object of the kinds an option may be; `[a-z]*` is a pattern and no JSON."""


@dataclass(frozen=True, slots=True)
class Given:
    """One value as one layer gave it."""

    raw: Any
    origin: str
    """Where it stands, as the user would look for it."""
    name: str
    """What a message about it begins with."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer gave: key -> value. Its problems stand beside it, so that all layers' come out at once."""

    values: Mapping[str, Given]
    problems: Sequence[str] = ()


def from_flags(command: str, flags: Mapping[str, Any], options: Sequence[Option]) -> Layer:
    """
    Args:
        flags: field of Config -> text, list of texts or bool; None or an empty list: not given.
    """
    values = {}
    for row in options:
        raw = flags.get(row.field)
        if raw is None or raw in ((), []):
            continue
        if isinstance(raw, list | tuple):
            raw = [Word(text) for text in raw]
        elif isinstance(raw, str):
            raw = Word(raw)
        name = row.flag if command in row.commands else "FILE"  # `replay FILE` is `run --from FILE`
        values[row.key] = Given(raw, f"flag {row.flag}", name)
    return Layer(values)


def from_environment(environ: Mapping[str, str], options: Sequence[Option]) -> Layer:
    """
    CELERY_BRIDGE_<KEY>, and CELERY_BRIDGE_<KEY>_FILE, which names a file that holds the value (a mounted secret).

    An empty variable counts as not given: compose files and charts make such. An unknown one is a problem.
    """
    names = {name: row for row in options for name in (row.variable, row.variable + "_FILE")
             if row.in_file or name == row.variable}  # fmt: skip
    values: dict[str, Given] = {}
    problems: list[str] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or _FOREIGN.fullmatch(name) or not text:
            continue
        if (known := names.get(name)) is None:
            problems.append(f"{name}: no such option{did_you_mean(name, names)}")
        elif known.key in values:
            problems.append(f"{name}: given twice, {known.variable} is set as well")
        else:
            try:
                raw = _variable(text if name == known.variable else _read(Path(text)).rstrip("\r\n"), known)
            except ValueError as error:
                problems.append(f"{name}: {error}")
            else:
                values[known.key] = Given(raw, f"environment {name}", name)
    return Layer(values, problems)


def _variable(text: str, row: Option) -> Any:
    """A repeatable option (and --from) may be a JSON list or object; anything else is the text itself."""
    if (row.repeatable or row.key == "from") and _JSON.match(text):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"neither a single value nor JSON ({_json_place(error)})") from None
    return Word(text)


def from_file(path: Path, options: Sequence[Option], name: str = "--config") -> Layer:
    """
    A TOML file, or a JSON one: named .json, or beginning with a brace. A JSON null counts as not given.

    Args:
        name: what named the file, for the message that it cannot be read.
    """
    keys = {row.key: row for row in options if row.in_file}
    try:
        text = _read(path)
    except ValueError as error:
        return Layer({}, [f"{name}: {error}"])
    try:
        document = parsed(text, json_expected=path.suffix.lower() == ".json")
    except ValueError as error:
        return Layer({}, [f"{path}: {error}"])
    problems = [f"{path}: {key}: no such option{did_you_mean(key, keys)}" for key in document if key not in keys]
    values = {
        key: Given(raw, f"file {path}", f"{path}: {key}")
        for key, raw in document.items() if key in keys and raw is not None
    }  # fmt: skip
    return Layer(values, problems)


def parsed(text: str, *, json_expected: bool = False) -> dict[str, Any]:
    """
    The document of a configuration file.

    Raises:
        ValueError: it is neither TOML nor JSON. Names the place, and repeats nothing: it may hold secrets.
    """
    if json_expected or text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON ({_json_place(error)})") from None
        if not isinstance(document, dict):
            raise ValueError("expected a JSON object")
        return document
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not TOML ({_toml_place(error)})") from None


def _json_place(error: Exception) -> str:
    return f"{error.msg}, line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else (
        "nested too deeply" if isinstance(error, RecursionError) else "a number is too long")  # fmt: skip


def _toml_place(error: Exception) -> str:
    # tomllib's texts name the rule and the place, but some quote a key or a character: only the place is kept.
    place = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
    return f"at {place[1]}" if place else "nested too deeply" if isinstance(error, RecursionError) else "a bad value"


def _read(path: Path) -> str:
    """
    The text of a file.

    Raises:
        ValueError: it cannot be read, is no UTF-8, or is too long.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {os_reason(error)}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise ValueError(f"{path} is longer than {_MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None


def os_reason(error: Exception) -> str:
    """The operating system's words for an error, in lower case, without the path."""
    return (os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)).lower()


def values_of(layers: Sequence[Layer], key: str) -> Iterator[Given]:
    """What the layers gave for one key, in their order."""
    return (layer.values[key] for layer in layers if key in layer.values)
