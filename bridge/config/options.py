"""How a field of Config says what option it is: name, kind, help, and where it may be given."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from bridge.config.kinds import Kind, Many, Pairs, Switch

PREFIX = "CELERY_BRIDGE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of the table, as flags, environment, file and documentation need it."""

    field: str
    """The field of Config."""
    key: str
    """The key in a file: the long flag with underscores."""
    kind: Kind[Any]
    help: str
    section: str
    commands: tuple[str, ...]
    """Where it is a flag. A file or the environment may always hold it: they serve every command."""
    default: Any = None
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Commands whose default is another."""
    flags: tuple[str, ...] = ()
    """Short and alias flags besides the long one."""
    flag_only: tuple[str, ...] = ()
    """Commands for which the file and the environment do not count: they say what the service does, and `dump` must
    not take the service's queue or write to its topic."""
    per_source: bool = False
    """Whether a `[from.<label>]` table may hold it too."""
    default_text: str = ""
    """The default in words, where the value does not say it."""
    in_file: bool = True

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.key.upper()

    @property
    def repeatable(self) -> bool:
        return isinstance(self.kind, Many | Pairs)

    @property
    def merges(self) -> bool:
        """Whether names given in several layers add up (the higher layer wins per name) instead of replacing."""
        return isinstance(self.kind, Pairs)

    @property
    def switch(self) -> bool:
        return isinstance(self.kind, Switch)

    def default_for(self, command: str) -> Any:
        return self.defaults.get(command, self.default)


def option(
    kind: Kind[Any], text: str, section: str, *, key: str = "", commands: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    """The metadata of one field: see Option for what `more` may hold."""
    return {"option": {"kind": kind, "help": text, "section": section, "key": key, "commands": commands, **more}}


@functools.cache
def options_of(table: type) -> tuple[Option, ...]:
    """The rows of a table (a dataclass whose fields carry `option` metadata), in its order."""
    rows = []
    for field in dataclasses.fields(table):
        if "option" not in field.metadata:
            continue
        given = dict(field.metadata["option"])
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        rows.append(Option(**{**given, "key": given["key"] or field.name, "field": field.name, "default": default}))
    return tuple(rows)


def default_words(row: Option, command: str) -> str:
    """What holds when nobody says anything, as help and documentation put it."""
    value = row.default_for(command)
    if row.default_text:
        return f"default: {row.default_text}"
    if value is None:
        return "default: any"
    if row.switch:
        return f"default: {'on' if value else 'off'}"
    if row.repeatable and not value:
        return "default: none"
    return f"default: {row.kind.write(value)}"
