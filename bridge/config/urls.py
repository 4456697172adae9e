"""The kinds of value that name an end: one `--to`, and 1..n `--from` with what is said about each source alone."""

import re
from dataclasses import dataclass, field
from typing import Any

from bridge.config.ends import DEFAULT_LABEL, LABEL, SinkEnd, SourceEnd, read_sink, read_source, read_source_url
from bridge.config.kinds import plain_text, wrong_type
from bridge.config.secret import Url


@dataclass(frozen=True, slots=True)
class Draft:
    """A source as a layer named it, before what holds for all sources is filled in."""

    label: str
    url: Url | None
    """None: the layer's table says something about the label, but no URL; a higher layer may give it."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Key -> value as the file has it, unread."""


@dataclass(frozen=True, slots=True)
class Sources:
    """`--from`: text, a list of texts, or tables by label."""

    metavar: str = "[LABEL=]URL"
    expected: str = "a URL, a list of them, or [from.<label>] tables"

    def read(self, raw: Any) -> tuple[Draft, ...]:
        if isinstance(raw, dict):
            return tuple(self._table(label, value) for label, value in raw.items())
        items = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(Draft(*read_source(plain_text(item, self.expected))) for item in items)

    def _table(self, label: str, value: Any) -> Draft:
        url: Any
        settings: dict[str, Any]
        if isinstance(value, dict):
            settings = dict(value)
            url = settings.pop("url", None)
        else:
            url, settings = value, {}
        if not re.fullmatch(LABEL, label):
            raise ValueError(f"the label {label!r} may hold a-z, 0-9 and - only")
        try:
            return Draft(label, None if url is None else read_source_url(plain_text(url, "a URL")), settings)
        except ValueError as error:
            raise ValueError(f"[from.{label}] url: {error}") from None

    def write(self, value: tuple[SourceEnd, ...]) -> list[str]:
        return [source.url.masked if source.label == DEFAULT_LABEL and "=" not in source.url.masked
                else f"{source.label}={source.url.masked}" for source in value]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sinks:
    """`--to`."""

    metavar: str = "URL"
    expected: str = "a URL"

    def read(self, raw: Any) -> SinkEnd:
        if not isinstance(raw, str):
            raise wrong_type(self.expected, raw)
        return read_sink(plain_text(raw, self.expected))

    def write(self, value: SinkEnd) -> str:
        return str(value)
