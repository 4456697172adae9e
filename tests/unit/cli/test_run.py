"""bridge.cli.run: the commands that start chains."""

from pathlib import Path

import pytest

from bridge.cli.main import main

ALL_WRONG = ["--limit", "x", "--format", "xml", "--schemas", "/nowhere"]


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (["run", "--from", "nats://u:s3cret@h"], "--from: nats:// is no transport"),
        (["dump", "-b", "nats://u:s3cret@h"], "--from: nats:// is no transport"),
        (["replay", "nats://u:s3cret@h"], "FILE: nats:// is no transport"),
    ],
)
def test_nothing_starts_with_a_bad_configuration(
    command: list[str], first: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every problem is said, the exit code is 78, and stdout stays empty."""
    assert main([*command, *ALL_WRONG]) == 78

    captured = capfd.readouterr()
    assert captured.out == ""
    assert set(captured.err.splitlines()) == {
        f"celery-bridge: {first}",
        "celery-bridge: --limit: 'x' is no whole number",
        "celery-bridge: --format: 'xml' is none of native, raw, dump, pretty, capture, auto",
        "celery-bridge: --schemas: /nowhere: no such directory",
    }


def test_what_only_the_build_finds_is_said_with_the_rest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Wrong values, schemas, client properties and addresses of brokers are one list, and nothing of it is guessed."""
    (tmp_path / "order-paid.json").write_text('{"$ref": "https://example.com/x.json"}')
    ends = ["--from", "amqp://rabbit//?foo=1", "--to", "kafka://kafka/t", "-X", "linger.msx=1"]
    values = ["--queue-type", "strem", "--start", "oldest", "--schemas", str(tmp_path)]

    assert main(["run", *ends, *values]) == 78
    assert set(capfd.readouterr().err.splitlines()) == {
        "celery-bridge: --queue-type: 'strem' is none of quorum, stream, transient; did you mean stream?",
        f"celery-bridge: {tmp_path}/order-paid.json: refers to what is not here: Resource 'https://example.com/x.json'",
        "celery-bridge: amqp://rabbit//: unknown parameter foo",
        "celery-bridge: unknown Kafka property linger.msx; did you mean linger.ms?",
    }


def test_replay_of_a_missing_file_ends_with_78(capfd: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be opened is said at once."""
    assert main(["replay", "/nowhere/x.jsonl"]) == 78
    assert capfd.readouterr().err == ("celery-bridge: FILE: cannot read /nowhere/x.jsonl: no such file or directory\n")
