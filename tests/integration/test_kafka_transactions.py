"""Exactly once into a real Kafka: what a reader of committed records finds after kills, fences, cuts and restarts."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import orjson
import pytest

from bridge.errors import FencedError
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink, producer
from bridge.sinks.kafka import exactly_once as module
from bridge.sinks.kafka import sink as sink_module
from bridge.telemetry import Status
from tests.integration.sending import Servers, dead_letter, number, numbered, open_sink, up_again
from tests.running import run, until
from tests.servers.kafka import KafkaServer
from tests.servers.proxy import Proxy
from tests.topics import DEAD_LETTERS, account, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("kafka")

POSITIONS = ".positions"
CHECKOUT = Path(__file__).parents[2]
END_TXN = (26).to_bytes(2, "big")  # Kafka's number of the request, behind its four bytes of length


def sink_of(server: KafkaServer, topic: str, **options: object) -> KafkaSink:
    """A sink with the transactional id of the topic's writer."""
    return open_sink(server, topic, transactional_id=f"celery-bridge.celery.{topic}", **options)


def through(proxy: Proxy, topic: str) -> KafkaSink:
    """The same, through a network that breaks."""
    name = f"celery-bridge.celery.{topic}"
    return KafkaSink([f"127.0.0.1:{proxy.port}"], topic, dead_letter=dead_letter, transactional_id=name)


async def assert_exactly_once(server: KafkaServer, topic: str, sent: list[Record]) -> None:
    """Of what can be read as committed: nothing lost, repeated, changed or out of order."""
    records = await read_topic(server.bootstrap, topic)
    found = account([(record.key, number(record.value)) for record in sent], records, number)
    assert (found.lost, found.unknown, found.repeated, found.unequal, found.disordered) == ([], [], {}, [], [])


async def write_from(sink: KafkaSink, records: list[Record], *, each: int = 50) -> None:
    """Send in pieces, whose positions are the numbers reached; wait until all is confirmed."""
    pieces = [records[start : start + each] for start in range(0, len(records), each)]
    waiting = [asyncio.ensure_future(await sink.send(piece, b"%d" % number(piece[-1].value))) for piece in pieces]
    await asyncio.gather(*waiting)


def test_writer_killed_again_and_again_loses_and_repeats_nothing(kafka: KafkaServer) -> None:
    """kill -9 six times in the middle of transactions: each next process goes on where committed readers are."""

    async def check() -> None:
        topic, last = new_topic_name(), 6000
        await make_topics(kafka.bootstrap, topic, partitions=8)
        random = Random(7)
        begun = []
        for kill in [True] * 6 + [False]:
            writer = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.kafka_writer",
                kafka.bootstrap, topic, f"celery-bridge.{topic}", str(last),
                cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert writer.stdout is not None
            try:
                begun.append(int(await writer.stdout.readline()))
                if kill:
                    for _ in range(random.randrange(3, 40)):
                        await writer.stdout.readline()
                    writer.kill()
                await writer.communicate()
            finally:
                if writer.returncode is None:
                    writer.kill()
                    await writer.wait()

        assert writer.returncode == 0
        assert begun == sorted(set(begun))  # each got somewhere
        await assert_exactly_once(kafka, topic, numbered(1, last, keys=40))

    run(check(), seconds=120)


def test_old_writer_is_fenced_and_says_why(kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two with one label and group: the one that came first stops, cleanly, and the other is not disturbed."""
    monkeypatch.setattr(module, "_FENCED_SECONDS", 0.5)

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        async with sink_of(kafka, topic) as old, sink_of(kafka, topic) as new:
            assert await old.resume() is None
            await write_from(old, numbered(1, 100))
            assert await new.resume() == b"100"
            with pytest.raises(FencedError, match="another bridge writes to Kafka as celery-bridge"):
                await write_from(old, numbered(101, 200))
            await write_from(new, numbered(101, 300))
        await assert_exactly_once(kafka, topic, numbered(1, 300))

    run(check(), seconds=60)


def test_connecting_fences_nobody(kafka: KafkaServer) -> None:
    """A standby has looked at the topics and waits; who writes goes on."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        async with sink_of(kafka, topic) as active:
            await active.resume()
            async with sink_of(kafka, topic) as standby:
                assert standby.status is Status.OK
                await write_from(active, numbered(1, 100))
        await assert_exactly_once(kafka, topic, numbered(1, 100))

    run(check(), seconds=60)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_commit_whose_answer_is_lost_is_neither_repeated_nor_lost(kafka: KafkaServer, lost: str) -> None:
    """The connection is cut while the transaction ends, ten times; half a minute of request timeout is not waited."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        port, target = kafka.through("PROXIED")
        proxy = Proxy(target)
        proxy.port, proxy.loses_request = port, lost == "request"
        cuts = 0

        def ends_transaction(data: bytes) -> bool:
            nonlocal cuts
            cuts += data[4:6] == END_TXN
            return data[4:6] == END_TXN

        async with proxy, through(proxy, topic) as sink:
            await sink.resume()
            for first in range(1, 1000, 100):
                proxy.cut_at = ends_transaction
                await write_from(sink, numbered(first, first + 99))
        assert cuts == 10
        await assert_exactly_once(kafka, topic, numbered(1, 1000))

    run(check(), seconds=120)


@pytest.mark.parametrize("arrives", [False, True])
def test_commit_before_a_long_silence_is_resolved_by_what_is_stored(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    """
    The network is silent for longer than transaction.timeout.ms and than we wait: the transaction is committed, or the
    coordinator gave it up and fenced us, as nobody else did. A new producer finds out which.
    """
    monkeypatch.setattr(sink_module, "_TRANSACTION_STALL_SECONDS", 1.0)
    monkeypatch.setattr(producer, "_TRANSACTION_MS", 1000)
    monkeypatch.setattr(module, "_FENCED_SECONDS", 0.5)

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        port, target = kafka.through("PROXIED")
        proxy = Proxy(target)
        proxy.port = port
        async with proxy, through(proxy, topic) as sink:
            await sink.resume()

            def ends_transaction(data: bytes) -> bool:
                if data[4:6] == END_TXN:
                    proxy.freeze()
                return data[4:6] == END_TXN

            proxy.cut_at = ends_transaction
            proxy.loses_request = not arrives
            waiting = asyncio.ensure_future(write_from(sink, numbered(1, 100), each=100))
            await until(lambda: proxy.cut_at is None, seconds=30)
            await asyncio.wait({waiting}, timeout=3)
            assert not waiting.done()
            proxy.thaw()
            await waiting
        positions = [orjson.loads(one.value) for one in await read_topic(kafka.bootstrap, topic + POSITIONS)]
        assert [one["position"] for one in positions] == [None, "100"]
        await assert_exactly_once(kafka, topic, numbered(1, 100))

    run(check(), seconds=90)


def test_broker_killed_under_load_loses_and_repeats_nothing(kafka_servers: Servers) -> None:
    """kill -9 and a start, twice, while transactions are under way."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        sent: list[Record] = []
        over = asyncio.Event()

        async def send(sink: KafkaSink) -> None:
            waiting = []
            while not over.is_set():
                sent.extend(records := numbered(len(sent) + 1, len(sent) + 20, keys=40))
                waiting.append(asyncio.ensure_future(await sink.send(records, b"%d" % len(sent))))
            await asyncio.gather(*waiting)

        async with sink_of(server, topic) as sink:
            await sink.resume()
            sending = asyncio.create_task(send(sink))
            for _ in range(2):
                mark = len(sent) + 500
                await until(lambda mark=mark: len(sent) >= mark, seconds=60)  # type: ignore[misc]
                server.kill()
                await up_again(server)
            mark = len(sent) + 500
            await until(lambda: len(sent) >= mark, seconds=60)
            over.set()
            await sending
        await assert_exactly_once(server, topic, sent)

    run(check(), seconds=200)


def test_positions_are_kept_in_a_compacted_topic_of_our_own(kafka: KafkaServer) -> None:
    """The sink makes it, although it makes no other; its key is the transactional id, its value says what it is."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        async with sink_of(kafka, topic) as sink:
            await sink.resume()
            await write_from(sink, numbered(1, 10))
        async with open_sink(kafka, topic, transactional_id="celery-bridge.other.default") as other:
            assert await other.resume() is None
        async with sink_of(kafka, topic) as sink:
            assert await sink.resume() == b"10"
        records = await read_topic(kafka.bootstrap, topic + POSITIONS)
        ours = [one for one in records if one.key == f"celery-bridge.celery.{topic}".encode()]
        fields = [orjson.loads(one.value) for one in ours]

        assert [one["position"] for one in fields] == [None, "10", "10"]
        assert [(one["version"], one["transaction"]) for one in fields] == [(1, 0), (1, 1), (1, 0)]
        assert fields[0]["writer"] == fields[1]["writer"] != fields[2]["writer"]
        assert await _setting(kafka, topic + POSITIONS, "cleanup.policy") == "compact"

    run(check(), seconds=60)


def test_record_that_the_broker_refuses_costs_no_other_and_no_order(kafka: KafkaServer) -> None:
    """A time that the topic does not take: the transaction is given up, and written without the culprits."""

    async def check() -> None:
        topic = new_topic_name()
        settings = {"message.timestamp.before.max.ms": "3600000"}
        await make_topics(kafka.bootstrap, topic, partitions=2, settings=settings)
        records = numbered(1, 300)
        for at in (40, 41, 250):
            records[at] = replace(records[at], timestamp_ms=1000)
        culprits = [records[at] for at in (40, 41, 250)]
        async with sink_of(kafka, topic) as sink:
            await sink.resume()
            await write_from(sink, records)
        letters = [number(one.value) for one in await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)]

        assert sorted(letters) == [41, 42, 251]
        await assert_exactly_once(kafka, topic, [record for record in records if record not in culprits])

    run(check(), seconds=60)


async def _setting(server: KafkaServer, topic: str, name: str) -> str:
    """A topic's setting."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: ""})])
        return str(response.resources[0][4][0][1])
    finally:
        await admin.close()
