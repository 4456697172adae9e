"""Tests of tests.servers.require."""

import pytest

from tests.servers.require import cannot_have


def test_missing_server_skips_the_test_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a developer's machine a server that is not installed costs the test, and says why."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no RabbitMQ: not installed"):
        cannot_have("RabbitMQ", "not installed")


def test_missing_server_fails_the_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true a skipped server test would be a test that nobody runs."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no RabbitMQ: not installed"):
        cannot_have("RabbitMQ", "not installed")
