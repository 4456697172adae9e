"""The command as a user starts it: a process, its exit code, its stdout and its stderr."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.captures import DIRECTORY
from tests.records import assert_record

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "bridge"]
CAPTURE = DIRECTORY / "rabbitmq-celery-5.6.x.jsonl"
EVENT = {"type": "order-paid", "hostname": "h", "timestamp": 1.5, "pid": 1, "clock": 1, "utcoffset": 0, "uuid": "u"}
SECONDS = 60
"""A deadline for anything here; on two busy cores a start takes up to two seconds."""


def bridge(*args: str, stdin: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args],
        cwd=ROOT, env={**os.environ, **env}, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def lines(text: str) -> list[str]:
    """Lines end at a newline only: a string inside of one may hold a U+2028."""
    return text.removesuffix("\n").split("\n")


@contextmanager
def started(*args: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *args],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def events(*changes: dict[str, object]) -> str:
    return "".join(json.dumps({**EVENT, **change}) + "\n" for change in changes)


def test_help_imports_nothing_heavy() -> None:
    """`--help` answers at once: no client library, no schema compiler, no logging framework is imported for it."""
    program = (
        "import sys; from bridge.cli.main import main\n"
        "assert main(['run', '--help']) == 0\n"
        "print(*({name.partition('.')[0] for name in sys.modules} & {'aiokafka', 'asyncio', 'celery', 'jsonschema_rs', "
        "'kombu', 'orjson', 'redis', 'structlog'}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True
    )

    assert done.stdout.startswith("Usage: celery-bridge run")
    assert done.stderr.strip() == ""


def test_replay_writes_records_on_stdout_and_logs_on_stderr() -> None:
    """Every line of stdout is a valid record, every line of stderr a JSON log line; it ends with 0."""
    done = bridge("replay", str(CAPTURE))

    assert done.returncode == 0, done.stderr
    records = [assert_record(line.encode()) for line in lines(done.stdout)]
    assert {record["cluster"] for record in records} == {"celery"}
    summary = [json.loads(line) for line in done.stderr.splitlines()][-1]
    dead = sum(record["type"] == "bridge-dead-letter" for record in records)
    assert summary["delivered"] == len(records) - dead
    assert summary["received"] == summary["delivered"] + summary["dead_lettered"]


def test_replay_of_stdin_keeps_order_and_takes_a_label() -> None:
    """`-` is stdin, `label=-` names the cluster; records come in the order of the lines."""
    done = bridge("replay", "eu=-", stdin=events(*({"uuid": f"u{number}"} for number in range(50))))

    records = [json.loads(line) for line in lines(done.stdout)]
    assert done.returncode == 0, done.stderr
    assert [record["uuid"] for record in records] == [f"u{number}" for number in range(50)]
    assert {record["cluster"] for record in records} == {"eu"}


def test_replay_filters_limits_and_formats(tmp_path: Path) -> None:
    """Options reach the chain from flags, environment and file alike."""
    (tmp_path / "bridge.toml").write_text("limit = 2\n")
    lines = events({"type": "a"}, {"type": "b", "uuid": "1"}, {"type": "b", "uuid": "2"}, {"type": "b", "uuid": "3"})

    done = bridge(
        "replay", "-", "--format", "raw", "--config", str(tmp_path / "bridge.toml"), stdin=lines, CELERY_BRIDGE_TYPE="b"
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["uuid"] for line in done.stdout.splitlines()] == ["1", "2"]


def test_an_invalid_event_ends_it_with_65_when_asked_to() -> None:
    """`--on-invalid fail`: what came before it is written, one line says which rule it broke, and no value of it."""
    done = bridge("replay", "-", "--on-invalid", "fail", stdin=events({}, {"pid": "s3cret"}, {}))

    assert done.returncode == 65
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.splitlines()[-1] == (
        "celery-bridge: an event violates event.json: /pid is not of type integer; its delivery is not settled "
        "(--on-invalid fail)"
    )
    assert "s3cret" not in done.stderr


def test_replay_appends_to_a_file(tmp_path: Path) -> None:
    """`--to file:` adds to what is there and writes nothing to stdout."""
    out = tmp_path / "out.jsonl"
    for _ in range(2):
        done = bridge("replay", "-", "--to", f"file:{out}", stdin=events({}))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr

    assert len(out.read_text().splitlines()) == 2


@pytest.mark.parametrize(("args", "code"), [(("replay", str(CAPTURE)), 0), (("run", "--from", str(CAPTURE)), 74)])
def test_a_reader_that_goes_away_ends_all_but_run_quietly(args: tuple[str, ...], code: int) -> None:
    """`| head` is an ordinary end of replay; for the service its output is broken."""
    with started(*args) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=SECONDS)

    assert process.returncode == code, err
    assert "Traceback" not in err
    assert ("celery-bridge: " in err) == (code != 0)


def test_a_full_disk_ends_with_74() -> None:
    """What cannot be written is no success."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "replay", str(CAPTURE)],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    assert done.returncode == 74
    assert "cannot write to stdout: No space left on device" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_stops_at_a_signal(number: signal.Signals) -> None:
    """A signal drains what was read and ends with 0."""
    with started("run", "--from", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(events({}))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["type"] == "order-paid"
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)

    assert process.returncode == 0, err
    assert out == ""


def test_validate_is_interrupted_with_130() -> None:
    """Ctrl-C is no error of the file."""
    with started("validate", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        bad = "nonsense\n" * 2000  # more than any buffer of stdout, so that the first line comes out
        process.stdin.write(bad)
        process.stdin.flush()
        assert process.stdout.readline().startswith("1: not an event: decode: ")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.wait(timeout=SECONDS)
        assert process.stderr is not None
        err = process.stderr.read()

    assert process.returncode == 130
    assert "Traceback" not in err


def test_validate_into_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """`validate FILE | head` ends with 0 and says nothing."""
    path = tmp_path / "x.jsonl"
    path.write_text("nonsense\n" * 50_000)
    with started("validate", str(path)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, err) == (0, "")


def test_bad_options_end_with_78_and_one_line_each() -> None:
    """Every layer's problems come at once; no secret is repeated."""
    done = bridge(
        "run", "--from", "amqpz://u:s3cret@h", "--queue-type", "quorm", CELERY_BRIDGE_LIMIT="x", CELERY_BRIDGE_GRUOP="g"
    )  # fmt: skip

    assert done.returncode == 78
    assert done.stdout == ""
    assert sorted(done.stderr.splitlines()) == [
        "celery-bridge: --from: amqpz:// is no transport; did you mean amqp?",
        "celery-bridge: --queue-type: 'quorm' is none of quorum, stream, transient; did you mean quorum?",
        "celery-bridge: CELERY_BRIDGE_GRUOP: no such option; did you mean CELERY_BRIDGE_GROUP?",
        "celery-bridge: CELERY_BRIDGE_LIMIT: 'x' is no whole number",
    ]


@pytest.mark.parametrize("scheme", ["amqp", "redis", "kombu+amqp"])
def test_fail_fast_ends_with_69_when_nobody_listens(scheme: str) -> None:
    """A broker that is not there is one clear line, without the password."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        done = bridge("run", "--fail-fast", "--from", f"{scheme}://u:s3cret@127.0.0.1:{taken.getsockname()[1]}/0")

    assert done.returncode == 69, done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("celery-bridge: ")
