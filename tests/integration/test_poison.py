"""A delivery that kills whoever looks at it, on a real RabbitMQ: processes that really die."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from bridge.sources.amqp import AmqpSource
from bridge.sources.stream import StreamSource
from tests.e2e.bridge_process import BridgeProcess
from tests.integration.deadly_bridge import EXIT_CODE
from tests.ledger import publish
from tests.reading import read_bodies
from tests.running import run
from tests.servers.kafka import KafkaServer
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.topics import DEAD_LETTERS, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("rabbitmq")

ROOT = Path(__file__).parents[2]
SECONDS = 120.0

DEADLY_BRIDGE = (sys.executable, "-m", "tests.integration.deadly_bridge")


def event(number: int, **fields: object) -> bytes:
    """A valid event of a type of its own, as a sender writes it."""
    said = {"type": "order-paid", "hostname": "h", "timestamp": 1795178793.25, "number": number, **fields}
    return json.dumps(said).encode()


def declare(url: str, group: str) -> None:
    """The queue, with nobody reading."""

    async def enter() -> None:
        async with AmqpSource(url, group=group):
            pass

    run(enter())


def numbers(process: BridgeProcess) -> list[int]:
    """Of the records that it wrote."""
    whole = process.stdout.rpartition(b"\n")[0]
    return [json.loads(line)["extra"]["number"] for line in whole.splitlines()]


def lines(said: Path) -> list[str]:
    """What was said so far."""
    return said.read_text().splitlines() if said.exists() else []


def until_done(folder: Path, *ends: str, count: int, letters: Path, most: int) -> list[BridgeProcess]:
    """Lives of a bridge, one after the other, until so many events and a dead letter are there; the last is stopped."""
    lives: list[BridgeProcess] = []
    deadline = time.monotonic() + SECONDS
    while len({n for life in lives for n in numbers(life)}) < count or not lines(letters):
        if not lives or not lives[-1].running:
            if lives:
                assert lives[-1].ended() == EXIT_CODE, lives[-1].stderr
            assert len(lives) < most
            lives.append(BridgeProcess(folder, "run", *ends, command=DEADLY_BRIDGE, cwd=ROOT))
        assert time.monotonic() < deadline, lives[-1].stderr
        time.sleep(0.02)
    lives[-1].terminate()
    assert lives[-1].ended() == 0, lives[-1].stderr
    return lives


def test_only_the_deadly_one_is_poison(rabbitmq: RabbitServer, group: str, tmp_path: Path) -> None:
    """
    Bridges that die of one body get past it, in 6 lives at most: it is dead-lettered as it is, and all others are
    delivered, in order, and once but for what was in flight beside it.
    """
    bodies = [event(n) if n != 20 else event(n, note="deadly") for n in range(40)]
    declare(rabbitmq.url, group)
    publish(rabbitmq.url, bodies)
    letters = tmp_path / "letters"
    ends = ("--from", rabbitmq.url, "--group", group, "--to", "-", "--dead-letters", f"file:{letters}")
    lives = until_done(tmp_path, *ends, count=39, letters=letters, most=6)
    (letter,) = [json.loads(line) for line in lines(letters)]
    assert letter["reason"] == "poison"
    assert base64.b64decode(letter["body_b64"]) == bodies[20]
    seen = [n for life in lives for n in numbers(life)]
    assert list(dict.fromkeys(seen)) == [n for n in range(40) if n != 20]
    assert rabbitmq.depth(f"celeryev.bridge.{group}") == 0


@contextmanager
def reader(url: str, group: str, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One life of a reader, that adds to a file what it says."""
    command = [sys.executable, "-m", "tests.integration.quorum_reader", url, group]
    with said.open("ab") as out:
        process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", "--", *command], stdout=out, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_loop_of_kills_condemns_no_innocent(rabbitmq: RabbitServer, group: str, tmp_path: Path) -> None:
    """
    Killed ten times from outside, with all that is left in flight, at some moment of the first messages it says: so
    all of it comes back three times, and then each time only the one in flight is charged.
    """
    bodies, moments = [f"event {n}" for n in range(300)], Random(7)
    declare(rabbitmq.url, group)
    publish(rabbitmq.url, [body.encode() for body in bodies])
    said, deadline = tmp_path / "said", time.monotonic() + SECONDS
    for _ in range(10):
        aim = len(lines(said)) + moments.randint(0, 3)
        with reader(rabbitmq.url, group, said) as process:
            while len(lines(said)) < aim and not set(bodies) <= set(lines(said)):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.001)
    with reader(rabbitmq.url, group, said) as process:
        while not set(bodies) <= set(lines(said)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert set(lines(said)) == set(bodies)


def test_a_connection_that_breaks_over_and_over_condemns_nobody(rabbitmq: RabbitServer, group: str) -> None:
    """The broker counts it as a crash of everything in flight; but the process lives, and knows."""

    async def check() -> None:
        seen: list[object] = []
        async with (
            Proxy(rabbitmq.port) as proxy,
            AmqpSource(f"amqp://guest:guest@127.0.0.1:{proxy.port}//", group=group) as source,
        ):
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"held"])
            for _ in range(7):
                seen += await source.read()
                await proxy.drop()
            seen += await source.read()
        assert [type(item).__name__ for item in seen] == ["Delivery"] * 8

    run(check(), seconds=90)


def test_a_takeover_begins_with_one_delivery_too(rabbitmq: RabbitServer, group: str) -> None:
    """A standby waits with both of its consumers behind both of the active one's, and gets all that one leaves."""
    bodies = [b"%d" % n for n in range(300)]

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group) as standby:
            async with AmqpSource(rabbitmq.url, group=group) as active:
                await active.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, bodies)
                first = await active.read()  # so it is the active one
                await standby.start(None)
                while len(first) < len(bodies):
                    first += await active.read()
            assert await read_bodies(standby, len(bodies)) == bodies

    run(check(), seconds=60)


def test_of_a_stream_to_lines_only_the_deadly_one_is_poison(rabbitmq: RabbitServer, group: str, tmp_path: Path) -> None:
    """When five died of the first body it is dead-lettered as it is, and the others are delivered."""
    bodies = [event(0, note="deadly"), *(event(n) for n in range(1, 15))]
    url, letters = stream_of(rabbitmq, group, bodies), tmp_path / "letters"
    ends = ("--from", url, "--queue-type", "stream", "--group", group, "--to", "-", "--dead-letters", f"file:{letters}")
    lives = until_done(tmp_path, *ends, count=14, letters=letters, most=6)
    (letter,) = [json.loads(line) for line in lines(letters)]
    assert letter["reason"] == "poison"
    assert base64.b64decode(letter["body_b64"]) == bodies[0]
    assert [numbers(life) for life in lives] == [[]] * 5 + [list(range(1, 15))]
    assert begin(url, group) == 0


def test_of_a_stream_to_lines_what_was_written_is_behind_the_next_death(
    rabbitmq: RabbitServer, group: str, tmp_path: Path
) -> None:
    """
    Where bridges died each delivery goes alone, and the broker knows of it before the next is looked at: so the next
    deaths are charged to the deadly one.
    """
    bodies = [event(n) if n != 3 else event(n, note="deadly") for n in range(6)]
    url, letters = stream_of(rabbitmq, group, bodies), tmp_path / "letters"
    ends = ("--from", url, "--queue-type", "stream", "--group", group, "--to", "-", "--dead-letters", f"file:{letters}")
    assert [begin(url, group) for _ in range(3)] == [0, 1, 2]
    life = BridgeProcess(tmp_path, "run", *ends, command=DEADLY_BRIDGE, cwd=ROOT)
    assert life.ended() == EXIT_CODE, life.stderr
    assert numbers(life) == [0, 1, 2]
    assert [begin(url, group) for _ in range(5)] == [0, 1, 2, 3, 4]
    (life,) = until_done(tmp_path, *ends, count=2, letters=letters, most=1)
    assert numbers(life) == [4, 5]
    (letter,) = [json.loads(line) for line in lines(letters)]
    assert base64.b64decode(letter["body_b64"]) == bodies[3]


def test_of_a_stream_to_lines_a_kill_condemns_no_innocent(rabbitmq: RabbitServer, group: str, tmp_path: Path) -> None:
    """Whoever was killed from outside after it had written anything is not counted."""
    url, letters = stream_of(rabbitmq, group, [event(n) for n in range(300)]), tmp_path / "letters"
    ends = ("--from", url, "--queue-type", "stream", "--group", group, "--to", "-", "--dead-letters", f"file:{letters}")
    assert [begin(url, group) for _ in range(4)] == [0, 1, 2, 3]
    life = BridgeProcess(tmp_path, "run", *ends, cwd=ROOT)
    deadline = time.monotonic() + SECONDS
    while len(numbers(life)) < 2:  # so the first is settled
        assert time.monotonic() < deadline, life.stderr
        time.sleep(0.001)
    life.kill()
    assert begin(url, group) == 0
    assert lines(letters) == []


def stream_of(server: RabbitServer, group: str, bodies: list[bytes]) -> str:
    """A stream that holds these; returns its broker's URL."""
    url = f"{server.url}?stream_port={server.stream_port}"

    async def prepare() -> None:
        async with StreamSource(url, group=group):
            await asyncio.to_thread(publish, server.url, bodies)

    run(prepare())
    return url


def begin(url: str, group: str) -> int:
    """As a process that dies before it has settled anything; returns how many did before."""

    async def die() -> int:
        async with StreamSource(url, group=group) as source:
            await source.acquire()
            return await source.begin()

    return run(die())


@pytest.mark.servers("kafka")
def test_of_a_stream_only_the_deadly_one_is_poison(
    rabbitmq: RabbitServer, kafka: KafkaServer, group: str, tmp_path: Path
) -> None:
    """Its broker counts nothing: the count stands beside the position in Kafka. Nothing is repeated."""
    bodies = [event(0, note="deadly"), *(event(n) for n in range(1, 15))]
    url, topic = stream_of(rabbitmq, group, bodies), new_topic_name()

    async def numbers_there() -> list[int]:
        return [json.loads(one.value)["extra"]["number"] for one in await read_topic(kafka.bootstrap, topic)]

    run(make_topics(kafka.bootstrap, topic))
    ends = ("--from", url, "--queue-type", "stream", "--group", group, "--to", f"kafka://{kafka.bootstrap}/{topic}")
    for _ in range(5):
        assert BridgeProcess(tmp_path, "run", *ends, command=DEADLY_BRIDGE, cwd=ROOT).ended() == EXIT_CODE
    life = BridgeProcess(tmp_path, "run", *ends, command=DEADLY_BRIDGE, cwd=ROOT)
    assert life.wait_for("a delivery is dead-lettered as poison")["times"] == 5
    deadline = time.monotonic() + SECONDS
    while (found := run(numbers_there())) != list(range(1, 15)):
        assert found == list(range(1, len(found) + 1))
        assert time.monotonic() < deadline, life.stderr
        life.assert_running()
    life.terminate()
    assert life.ended() == 0, life.stderr
    (letter,) = run(read_topic(kafka.bootstrap, topic + DEAD_LETTERS))
    assert letter.value == bodies[0]
    assert dict(letter.headers)["celery.errors.reason"] == b"poison"
