"""A configuration as the TOML that `--config` reads back."""

import json
from collections.abc import Sequence
from typing import Any

from bridge.config.ends import SourceEnd
from bridge.config.load import Loaded
from bridge.config.options import Option, default_words
from bridge.config.table import OPTIONS


def document(loaded: Loaded) -> str:
    """
    The effective configuration, flat, in the table's order and by its sections; where each value came from stands
    behind it as a comment. Secrets are `***`, and a file that holds such a value is refused.
    """
    lines = []
    tables: list[str] = []
    section = ""
    for row in (row for row in OPTIONS if row.in_file):
        if row.section != section:
            section = row.section
            lines += ["", f"# {section}"]
        value, origin = getattr(loaded.config, row.field), _comment(loaded.origins[row.field])
        if value is None:
            lines.append(f"# {row.key} is not set ({default_words(row, loaded.config.command)})")
        elif row.field == "sources" and (tables := _tables(loaded, value)):
            lines.append(f"# from: {origin}, the tables at the end")
        else:
            written = row.kind.write(value)
            if row.field == "sources" and len(written) == 1:
                (written,) = written
            lines.append(f"{row.key} = {toml(written)}  # {origin}")
    return "\n".join([*lines[1:], *tables]) + "\n"


def _tables(loaded: Loaded, sources: Sequence[SourceEnd]) -> list[str]:
    """A table per source, when one of them differs in anything from what holds for all; else none."""
    rows = [row for row in OPTIONS if row.per_source]
    own = [[row for row in rows if _differs(loaded, row, source)] for source in sources]
    if not any(own):
        return []
    lines = []
    for source, differing in zip(sources, own, strict=True):
        lines += ["", f"[from.{source.label}]", f"url = {toml(source.url.masked)}"]
        lines += [f"{row.key} = {toml(row.kind.write(getattr(source, row.field)))}" for row in differing]
    return lines


def _differs(loaded: Loaded, row: Option, source: SourceEnd) -> bool:
    return bool(getattr(source, row.field) != getattr(loaded.config, row.field))


def _comment(text: str) -> str:
    """A comment ends at a control character, and a file's name may hold one."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def toml(value: Any) -> str:
    """A string, number, bool, list or flat table as TOML writes it inline (https://toml.io/en/v1.0.0)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for surrogate pairs (so not ASCII only) and DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(name)} = {toml(item)}" for name, item in value.items()) + "}"
    return repr(value)
