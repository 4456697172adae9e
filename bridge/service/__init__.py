"""The only wiring: builds the chains that a configuration asks for, runs them, and ends them in time."""

from bridge.service.process import run

__all__ = ["run"]
