"""From what the layers said about sources to SourceEnds: labels, the settings of each, the defaults for the rest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.config.ends import DEFAULT_BROKER, DEFAULT_LABEL, STDIN, SourceEnd, read_source
from bridge.config.kinds import Kind
from bridge.config.layers import Given
from bridge.config.nearest import did_you_mean
from bridge.config.options import Option
from bridge.config.urls import Draft

BROKER_VARIABLE = "CELERY_BROKER_URL"
"""Celery's own: the default of --from."""

Drafts = tuple[Draft, ...]


def sources(
    row: Option, found: Sequence[Given], per_source: Sequence[Option], values: Mapping[str, Any],
    environ: Mapping[str, str], problems: list[str],
) -> tuple[tuple[SourceEnd, ...], str]:  # fmt: skip
    """
    The sources and where they came from.

    The highest layer that names URLs says which sources there are. What a file's `[from.<label>]` table says about a
    label holds also when the URL comes from higher up, so that a URL with a password can come from the environment.

    Args:
        row: the option --from.
        found: what the layers gave for it, highest first.
        per_source: the options that a table may hold.
        values: field of Config -> its value, for what a source does not say itself.
        problems: gets a line for each one found.
    """
    drafts, name, origin = _named(row.kind, found, environ, problems)
    tables = _tables(found)
    ends = []
    for draft in drafts:
        where, settings = tables.get(draft.label, (name, {}))
        own = _own(where, draft.label, settings, per_source, problems)
        if draft.url is None:
            problems.append(f"{name}: [from.{draft.label}] has no url")
        else:
            ends.append(SourceEnd(url=draft.url, label=draft.label, **{
                each.field: own.get(each.field, values[each.field]) for each in per_source
            }))  # fmt: skip
    for label in sorted(tables.keys() - {draft.label for draft in drafts}):
        if tables[label][0] == name:  # its URL was wrong: the rest of its table may be too
            _own(name, label, tables[label][1], per_source, problems)
    _check_distinct(ends, name, problems)
    return tuple(ends), origin


def _named(
    kind: Kind[Drafts], found: Sequence[Given], environ: Mapping[str, str], problems: list[str]
) -> tuple[Drafts, str, str]:
    """The drafts of the highest layer that has any URL, that layer's name for messages, and its origin."""
    for given in found:
        if _only_settings(given):
            continue
        if given.raw in ([], (), {}):
            problems.append(f"{given.name}: it names no source")
        return _read(kind, given, problems), given.name, given.origin
    for given in found:
        problems.extend(f"{given.name}: [from.{label}] has no url" for label in given.raw if label != DEFAULT_LABEL)
    text = environ.get(BROKER_VARIABLE, "")
    try:
        return (Draft(*read_source(text or DEFAULT_BROKER)),), BROKER_VARIABLE, _default_origin(text)
    except ValueError as error:
        problems.append(f"{BROKER_VARIABLE}: {error}")
        return (), BROKER_VARIABLE, _default_origin(text)


def _read(kind: Kind[Drafts], given: Given, problems: list[str]) -> Drafts:
    """The drafts of one layer, each read by itself, so that what is wrong with one hides no other's problems."""
    raw = given.raw
    parts = (
        [{label: table} for label, table in raw.items()] if isinstance(raw, dict)
        else [[item] for item in raw] if isinstance(raw, list | tuple) else [raw]
    )  # fmt: skip
    drafts: list[Draft] = []
    for part in parts:
        try:
            drafts += kind.read(part)
        except ValueError as error:
            problems.append(f"{given.name}: {error}")
    return tuple(drafts)


def _default_origin(text: str) -> str:
    return f"environment {BROKER_VARIABLE}" if text else "default"


def _only_settings(given: Given) -> bool:
    """Whether a layer has tables without any URL: it says how sources are read, and another layer which there are."""
    tables = given.raw.values() if isinstance(given.raw, dict) else ()
    return bool(tables) and all(isinstance(table, dict) and "url" not in table for table in tables)


def _tables(found: Sequence[Given]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Label -> the name of the layer that has a table for it, and what the table says besides the URL."""
    tables: dict[str, tuple[str, dict[str, Any]]] = {}
    for given in reversed(found):
        if isinstance(given.raw, dict):
            for label, table in given.raw.items():
                if isinstance(table, dict):
                    tables[label] = given.name, {key: raw for key, raw in table.items() if key != "url"}
    return tables


def _own(
    where: str, label: str, settings: Mapping[str, Any], per_source: Sequence[Option], problems: list[str]
) -> dict[str, Any]:
    """Field of SourceEnd -> value, of what one table says."""
    rows = {each.key: each for each in per_source}
    own = {}
    for key, raw in settings.items():
        if key not in rows:
            problems.append(f"{where}.{label}: {key}: no option of a single source{did_you_mean(key, [*rows, 'url'])}")
            continue
        try:
            own[rows[key].field] = rows[key].kind.read(raw)
        except ValueError as error:
            problems.append(f"{where}.{label}: {key}: {error}")
    return own


def _check_distinct(ends: Sequence[SourceEnd], name: str, problems: list[str]) -> None:
    for label, times in Counter(end.label for end in ends).items():
        if times > 1:
            problems.append(f"{name}: {times} sources have the label {label!r}: give each its own, as {label}-2=URL")
    if sum(end.path == STDIN for end in ends) > 1:
        problems.append(f"{name}: only one source can be stdin")
