"""Finds the harnesses: every module of this folder may list classes in `SOURCES` and in `SINKS`."""

import importlib
import pkgutil
from typing import Any

import pytest

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

# Any: a class that fulfils a Protocol with ClassVars cannot be named as `type` of it.
SOURCES: list[Any] = [harness for module in _MODULES for harness in getattr(module, "SOURCES", ())]
SINKS: list[Any] = [harness for module in _MODULES for harness in getattr(module, "SINKS", ())]

_MAY_BE_LEFT_OUT = frozenset({"keeps_place", "counts"})
"""Flags that a harness without them has not; a misspelt one is an error."""


def sources(*flags: str, without: str = "") -> pytest.MarkDecorator:
    """Run the test with every source harness that has all `flags`, and none of `without` (separated by blanks)."""
    return _parametrize("source_harness", SOURCES, flags, without)


def sinks(*flags: str, without: str = "") -> pytest.MarkDecorator:
    """Run the test with every sink harness that has all `flags`, and none of `without` (separated by blanks)."""
    return _parametrize("sink_harness", SINKS, flags, without)


def _parametrize(fixture: str, known: list[Any], flags: tuple[str, ...], without: str) -> pytest.MarkDecorator:
    chosen = [
        pytest.param(
            harness, id=harness.name, marks=[pytest.mark.servers(*harness.fixtures)] if harness.fixtures else []
        )
        for harness in known
        if all(_has(harness, flag) for flag in flags) and not any(_has(harness, flag) for flag in without.split())
    ]
    return pytest.mark.parametrize(fixture, chosen, indirect=True)


def _has(harness: Any, flag: str) -> bool:
    return bool(getattr(harness, flag, False) if flag in _MAY_BE_LEFT_OUT else getattr(harness, flag))
