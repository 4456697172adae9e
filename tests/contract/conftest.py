"""Makes the harness that a claim runs on."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def source_harness(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """One harness of a source, not entered; see `harnesses.sources`."""
    return request.param(request, tmp_path)


@pytest.fixture
def sink_harness(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """One harness of a sink, not entered; see `harnesses.sinks`."""
    return request.param(request, tmp_path)
