"""From layers to a checked Config: defaults < file < environment < flags, and every problem at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config import layers, paths, resolve
from bridge.config.layers import Given, Layer
from bridge.config.options import Option
from bridge.config.secret import MASK, Properties, is_secret
from bridge.config.table import OPTIONS, Config
from bridge.errors import ConfigError

DEFAULT = "default"
"""The origin of a value that no layer gave."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where each value of it came from."""

    config: Config
    origins: Mapping[str, str]
    """Field of Config -> `default`, `flag --to`, `environment CELERY_BRIDGE_TO`, `file bridge.toml`."""


def load(
    command: str,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    also: Callable[[Config], Iterable[str]] = lambda _: (),
) -> Loaded:
    """
    The configuration of one command.

    Args:
        flags: field of Config -> text, list of texts, or bool, as the command line gave them; None: not given.
        environ: the process's environment; only read.
        also: asked only when there are problems: those that the command's next step would find in what was read, so
            that they are said with the others. Gets a Config where defaults stand for what could not be read.

    Raises:
        ConfigError: with every problem of every layer, each on its own, none with a secret in it.
    """
    return _Loader(command, flags, environ).load(also)


class _Loader:
    """One load: the layers, highest first, what was read so far, and the problems found on the way."""

    def __init__(self, command: str, flags: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.command = command
        self.environ = environ
        self.problems: list[str] = []
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.layers = [layers.from_flags(command, flags, OPTIONS), layers.from_environment(environ, OPTIONS)]
        self.layers.append(self._file())
        for layer in reversed(self.layers):
            self.problems.extend(layer.problems)

    def load(self, also: Callable[[Config], Iterable[str]]) -> Loaded:
        for row in OPTIONS:
            if row.field != "sources":
                self._take(row)
        for row in OPTIONS:
            if row.field == "sources":
                self._take_sources(row)
        if self.command != "config":  # which shows what another machine would do, too
            self._check_paths()
        config = Config(command=self.command, **self.values)
        if self.problems:
            raise ConfigError([*self.problems, *also(config)])
        return Loaded(config, self.origins)

    def _file(self) -> Layer:
        """The layer of the file that a flag or the environment names; an empty one without."""
        row = next(row for row in OPTIONS if row.field == "config")
        for given in layers.values_of(self.layers, row.key):
            try:
                path: Path = row.kind.read(given.raw)
            except ValueError:
                break  # said when the option itself is taken
            return layers.from_file(path, OPTIONS, given.name)
        return Layer({})

    def _given(self, row: Option) -> list[Given]:
        """What the layers that count for this command gave, highest first; nothing for an option it does not have."""
        if not self._has(row):
            return []
        counting = self.layers[:1] if self.command in row.flag_only else self.layers
        given = list(layers.values_of(counting, row.key))
        if given:
            self.names[row.field] = given[0].name
        return given

    def _has(self, row: Option) -> bool:
        """Whether the command has the option; `replay FILE` is `run --from FILE`."""
        return self.command in row.commands or (row.field == "sources" and self.command == "replay")

    def _take(self, row: Option) -> None:
        """The value of one option: the highest layer's, or of names and values each layer's, the higher one winning."""
        given = self._given(row)
        values = [self._read(row, each) for each in (given if row.merges else given[:1])]
        self.origins[row.field] = ", ".join(each.origin for each in given[: len(values)]) or DEFAULT
        if not values:
            self.values[row.field] = row.default_for(self.command)
        elif row.merges:
            self.values[row.field] = self._merged(given[0].name, values)
        else:
            self.values[row.field] = values[0]

    def _read(self, row: Option, given: Given) -> Any:
        """The value that a layer gave; else the default, and one more problem."""
        try:
            return row.kind.read(given.raw)
        except ValueError as error:
            self.problems.append(f"{given.name}: {error}")
            return row.default_for(self.command)

    def _merged(self, name: str, values: Sequence[Mapping[str, str]]) -> Properties:
        merged: dict[str, str] = {}
        for properties in reversed(values):
            merged.update(properties)
        for key, value in merged.items():
            if value == MASK and is_secret(key):
                self.problems.append(
                    f"{name}: {key} is {MASK}, as a printed configuration shows it: give the real value"
                )
        return Properties(merged)

    def _take_sources(self, row: Option) -> None:
        """Last of all: a source has what holds for all, where it does not say otherwise."""
        per_source = [each for each in OPTIONS if each.per_source]
        environ = self.environ if self._has(row) else {}
        ends, origin = resolve.sources(row, self._given(row), per_source, self.values, environ, self.problems)
        if self.command == "replay" and any(end.path is None for end in ends):
            self.problems.append("FILE: replay reads a file; to read from a broker use run or dump")
        self.values[row.field] = ends
        self.origins[row.field] = origin

    def _check_paths(self) -> None:
        """What is missing is said together with all else that is wrong; of options that matter to the command only."""
        checks: dict[str, Callable[[Any], Iterable[str]]] = {
            "sources": paths.source_problems, "to": paths.sink_problems, "schemas": paths.directory_problems,
            "state": paths.folder_problems,
        }  # fmt: skip
        for row in OPTIONS:
            if row.field in checks and self._has(row):
                name = self.names.get(row.field, row.flag)
                self.problems.extend(f"{name}: {problem}" for problem in checks[row.field](self.values[row.field]))
        loops = paths.loop_problems(self.values["sources"], self.values["to"])
        self.problems.extend(f"{self.names.get('to', '--to')}: {problem}" for problem in loops)
