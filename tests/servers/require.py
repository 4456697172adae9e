"""What a test does where a server cannot be had."""

import os
from typing import NoReturn

import pytest


def cannot_have(what: str, why: str) -> NoReturn:
    """
    Skip the test, with the reason; fail it where the environment says CI=true: there a missing server is a fault.

    Args:
        what: the server, e.g. "RabbitMQ".
        why: what is missing and how to get it.
    """
    reason = f"no {what}: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: a missing server is a fault)", pytrace=False)
    pytest.skip(reason)
