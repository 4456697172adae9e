"""bridge.config.layers: what flags, the environment and a file give."""

import json
from pathlib import Path

import pytest

from bridge.config import OPTIONS
from bridge.config.layers import from_environment, from_file, from_flags, parsed
from bridge.config.options import Option


def row(key: str) -> Option:
    return next(row for row in OPTIONS if row.key == key)


def test_flags_not_given_are_no_values() -> None:
    """None and an empty list of a repeatable flag say nothing."""
    layer = from_flags("run", {"group": None, "types": (), "fail_fast": False, "limit": "5"}, OPTIONS)

    assert {key: given.raw for key, given in layer.values.items()} == {"fail_fast": False, "limit": "5"}
    assert layer.values["limit"].origin == "flag --limit"


def test_environment_names_options() -> None:
    """CELERY_BRIDGE_<KEY> is a value; an empty one is none; other variables are nobody's business."""
    layer = from_environment({"CELERY_BRIDGE_GROUP": "g", "CELERY_BRIDGE_LIMIT": "", "PATH": "/bin"}, OPTIONS)

    assert {key: given.raw for key, given in layer.values.items()} == {"group": "g"}
    assert layer.problems == []


def test_unknown_variable_is_a_problem_with_the_nearest_name() -> None:
    """A mistyped variable is not ignored."""
    layer = from_environment({"CELERY_BRIDGE_GRUOP": "g"}, OPTIONS)

    assert layer.problems == ["CELERY_BRIDGE_GRUOP: no such option; did you mean CELERY_BRIDGE_GROUP?"]


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_9808_TCP", "PORT_9808_TCP_ADDR",
        "PORT_9808_TCP_PORT", "PORT_9808_TCP_PROTO", "METRICS_SERVICE_HOST", "METRICS_PORT_9808_TCP", "TEST_CACHE",
    ],
)  # fmt: skip
def test_what_kubernetes_sets_is_ignored(name: str) -> None:
    """A Service called celery-bridge puts variables with our prefix into every container of its namespace."""
    layer = from_environment({f"CELERY_BRIDGE_{name}": "tcp://10.0.0.1:9808"}, OPTIONS)

    assert not layer.problems
    assert not layer.values


def test_repeatable_variable_is_one_value_or_json() -> None:
    """A list is JSON; a shell pattern that begins with a bracket is one."""
    layer = from_environment(
        {
            "CELERY_BRIDGE_TYPE": '["a", "b"]',
            "CELERY_BRIDGE_TASK": "[a-z]*",
            "CELERY_BRIDGE_KAFKA_PROPERTY": '{"a": "b"}',
        },
        OPTIONS,
    )

    assert layer.values["type"].raw == ["a", "b"]
    assert layer.values["task"].raw == "[a-z]*"
    assert layer.values["kafka_property"].raw == {"a": "b"}


def test_broken_json_in_a_variable_is_a_problem() -> None:
    """It is named without being repeated."""
    layer = from_environment({"CELERY_BRIDGE_KAFKA_PROPERTY": '{"sasl.password": "s3cret'}, OPTIONS)

    (problem,) = layer.problems
    assert problem.startswith("CELERY_BRIDGE_KAFKA_PROPERTY: neither a single value nor JSON (")
    assert "s3cret" not in problem


def test_variable_names_a_file_that_holds_the_value(tmp_path: Path) -> None:
    """A mounted secret is read, without its final newline."""
    secret = tmp_path / "url"
    secret.write_text("amqp://u:p@h\n")

    layer = from_environment({"CELERY_BRIDGE_FROM_FILE": str(secret)}, OPTIONS)

    assert layer.values["from"].raw == "amqp://u:p@h"
    assert layer.values["from"].origin == "environment CELERY_BRIDGE_FROM_FILE"


def test_missing_secret_file_is_a_problem(tmp_path: Path) -> None:
    """The path and the reason are named."""
    layer = from_environment({"CELERY_BRIDGE_FROM_FILE": str(tmp_path / "gone")}, OPTIONS)

    assert layer.problems == [f"CELERY_BRIDGE_FROM_FILE: cannot read {tmp_path}/gone: no such file or directory"]


def test_value_and_file_at_once_is_a_problem(tmp_path: Path) -> None:
    """Which one is meant is not guessed."""
    layer = from_environment({"CELERY_BRIDGE_GROUP": "g", "CELERY_BRIDGE_GROUP_FILE": str(tmp_path)}, OPTIONS)

    assert layer.problems == ["CELERY_BRIDGE_GROUP_FILE: given twice, CELERY_BRIDGE_GROUP is set as well"]


def test_toml_and_json_give_the_same(tmp_path: Path) -> None:
    """Both formats have the same keys; JSON is known by its name or its brace, and null says nothing."""
    files = {
        "a.toml": 'group = "g"\nlimit = 5\n',
        "b.json": '{"group": "g", "limit": 5, "duration": null}',
        "c.conf": ' {"group": "g", "limit": 5}',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)

        layer = from_file(tmp_path / name, OPTIONS)

        assert {key: given.raw for key, given in layer.values.items()} == {"group": "g", "limit": 5}
        assert layer.values["group"].origin == f"file {tmp_path / name}"


def test_unknown_keys_are_problems_with_the_nearest_name(tmp_path: Path) -> None:
    """Every one is named; hyphens are no underscores, and a file names no file."""
    path = tmp_path / "b.toml"
    path.write_text('queue-type = "quorum"\nxyzzy = 1\nconfig = "x"\n')

    assert from_file(path, OPTIONS).problems == [
        f"{path}: queue-type: no such option; did you mean queue_type?",
        f"{path}: xyzzy: no such option",
        f"{path}: config: no such option",
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.toml", b'group = "s3cret', "not TOML (at end of document)"),
        ("a.toml", b"s3cret", "not TOML ("),
        ("a.json", b'{"group": "s3cret', "not JSON ("),
        ("a.json", b"[]", "expected a JSON object"),
        ("a.toml", b"\xff", "--config: "),
        ("a.toml", b"\xff", "a.toml is not UTF-8"),
        ("a.toml", b" " * 1_100_000, "is longer than 1048576 bytes"),
    ],
)
def test_broken_file_is_one_problem(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    """The place is named, and nothing of the file is repeated: it may hold secrets."""
    path = tmp_path / name
    path.write_bytes(content)

    (found,) = from_file(path, OPTIONS).problems

    assert str(path) in found
    assert problem in found
    assert "s3cret" not in found


def test_missing_file_and_directory_are_problems(tmp_path: Path) -> None:
    """What cannot be opened is said with the system's reason."""
    assert from_file(tmp_path / "x", OPTIONS).problems[0].endswith("x: no such file or directory")
    assert from_file(tmp_path, OPTIONS).problems[0].endswith("is a directory")


def test_deep_nesting_is_a_problem_and_no_crash() -> None:
    """The parsers' recursion ends in a message."""
    for text in ("{" + '"a":[' * 100_000, "a = " + "[" * 100_000, json.dumps({"a": 1}).replace("1", "1" * 5000)):
        with pytest.raises(ValueError, match=r"not (JSON|TOML)"):
            parsed(text)
