"""Tests of bridge.errors."""

import inspect

import pytest

from bridge import errors
from bridge.errors import BridgeError, ConfigError, EndOfStream, PermanentError, TransientError


def all_errors() -> list[type[BridgeError]]:
    return [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, BridgeError)]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_error_says_whether_the_same_input_would_fail_again(error: type[BridgeError]) -> None:
    """Each is transient or permanent, never both, and none but the root is neither."""
    kinds = issubclass(error, TransientError), issubclass(error, PermanentError)

    assert kinds == (False, False) if error is BridgeError else kinds in {(True, False), (False, True)}


def test_exit_codes_are_those_that_scripts_rely_on() -> None:
    """What the process ends with is an interface: sysexits.h where it has a number, else 1."""
    assert {error.__name__: error.exit_code for error in all_errors()} == {
        "BridgeError": 1,
        "TransientError": 1,
        "ConnectError": 69,
        "BlockedError": 1,
        "TurnLostError": 1,
        "PermanentError": 1,
        "ConfigError": 78,
        "CredentialsError": 77,
        "InvalidEventError": 65,
        "RecordError": 1,
        "SourceError": 1,
        "SinkError": 1,
        "FencedError": 1,
        "OutputError": 74,
    }


def test_config_error_holds_every_problem() -> None:
    """One problem or many, none is lost, and the text names them all."""
    assert ConfigError("a").problems == ("a",)
    assert ConfigError(["a", "b"]).problems == ("a", "b")
    assert str(ConfigError(["a", "b"])) == "a; b"


def test_end_of_stream_is_no_error_of_the_bridge() -> None:
    """Who handles BridgeError does not mistake the end for a failure."""
    assert not issubclass(EndOfStream, BridgeError)
