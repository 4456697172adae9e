"""What a broker that fails costs the Kafka sink: time, and records that are written again, but none that are lost."""

import asyncio
import time

import pytest

from bridge.clients.kafka import parse_properties
from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink, lanes
from bridge.sinks.kafka.producer import connect
from tests.integration.sending import Servers, dead_letter, number, numbered, open_sink, up_again, write
from tests.running import run, until
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.topics import account, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers


async def send_until(sink: KafkaSink, over: asyncio.Event, sent: list[Record], *, each: int = 20) -> None:
    """Send numbered records, several sends under way, until `over`; all are confirmed when it returns."""
    waiting: list[asyncio.Future[None]] = []
    while not over.is_set():
        records = numbered(len(sent) + 1, len(sent) + each, keys=40)
        waiting.append(asyncio.ensure_future(await sink.send(records, None)))
        sent += records
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)


async def more(sent: list[Record]) -> None:
    """Wait until 500 more were sent: the load is there."""
    mark = len(sent) + 500
    await until(lambda: len(sent) >= mark, seconds=60)


def test_broker_killed_under_load_loses_nothing_and_changes_no_order(kafka_servers: Servers) -> None:
    """Three times kill -9 and a start while we send: all arrives, repeats have the same bytes, keys are in order."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        over, sent = asyncio.Event(), list[Record]()
        async with open_sink(server, topic) as sink:
            sending = asyncio.create_task(send_until(sink, over, sent))
            for _ in range(3):
                await more(sent)
                server.kill()
                await up_again(server)
            over.set()
            await sending
        found = account(
            [(record.key, number(record.value)) for record in sent], await read_topic(server.bootstrap, topic), number
        )

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])

    run(check(), seconds=110)


def test_broker_stopped_and_started_under_load_loses_nothing(kafka_servers: Servers) -> None:
    """A clean restart, as of an upgrade, costs only time."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        over, sent = asyncio.Event(), list[Record]()
        async with open_sink(server, topic) as sink:
            sending = asyncio.create_task(send_until(sink, over, sent))
            for _ in range(2):
                await more(sent)
                server.stop()
                await up_again(server)
            over.set()
            await sending
        found = account(
            [(record.key, number(record.value)) for record in sent], await read_topic(server.bootstrap, topic), number
        )

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])

    run(check(), seconds=110)


def test_broker_frozen_for_longer_than_a_request_may_take_is_waited_for(kafka_servers: Servers) -> None:
    """SIGSTOP: connections stay open and nothing answers. Requests time out, and all is written once it goes on."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        async with open_sink(server, topic, properties={"request.timeout.ms": "1000"}) as sink:
            await write(sink, numbered(1, 100))
            server.freeze()
            waiting = asyncio.ensure_future(await sink.send(numbered(101, 200), None))
            await asyncio.wait({waiting}, timeout=4)
            assert not waiting.done()
            server.resume()
            await waiting
        sent = [(record.key, number(record.value)) for record in numbered(1, 200)]
        found = account(sent, await read_topic(server.bootstrap, topic), number)

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])

    run(check(), seconds=110)


def test_broker_that_is_not_there_at_the_start_is_waited_for(
    kafka_servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says why it waits, one that it connected; nothing is sent before."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        server.stop()
        sink = open_sink(server, topic)
        entering = asyncio.create_task(sink.__aenter__())
        await asyncio.wait({entering}, timeout=1.5)
        assert not entering.done()
        await up_again(server)
        await entering
        await write(sink, numbered(1, 10))
        await sink.__aexit__(None, None, None)
        assert len(await read_topic(server.bootstrap, topic)) == 10
        lines = [line for line in capsys.readouterr().err.splitlines() if "kafka" in line]

        assert [line for line in lines if "refuses connections" in line] != []
        assert len([line for line in lines if "waiting for kafka" in line]) <= 3  # by state and reason, not by attempt
        assert "kafka connected" in lines[-1]

    run(check(), seconds=110)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_sink_closes_in_time_while_the_broker_does_not_answer(kafka_servers: Servers, how: str) -> None:
    """Leaving is given up after 5 s, and what was not confirmed says so."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        async with open_sink(server, topic) as sink:
            await write(sink, numbered(1, 100))
            server.kill() if how == "killed" else server.freeze()
            waiting = [await sink.send(numbered(101, 2000, padding=1000), None) for _ in range(3)]
            await asyncio.wait({asyncio.ensure_future(waiting[0])}, timeout=0.5)
            began = time.monotonic()
        took = time.monotonic() - began

        assert took < 8  # a busy machine takes its time; requests would time out after 40
        for confirmation in waiting:
            with pytest.raises(SinkError, match="closed before Kafka confirmed"):
                await confirmation

    run(check(), seconds=110)


def test_giving_a_producer_up_ends_also_when_it_is_cancelled(kafka_servers: Servers) -> None:
    """The chain is stopped while a producer with full buffers is closed: its connection is closed all the same."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        properties = parse_properties({"compression.type": "none", "max.request.size": "20000000"})
        producer, _ = await connect([server.bootstrap], properties, {topic: 1}, create=False, batch_bytes=500_000)
        connections = list(producer._aiokafka.client._conns.values())
        server.freeze()
        batch = producer.batch()
        batch.extend([Record(b"x" * 16_000_000)], 0, 1, 1)
        sending = asyncio.create_task(producer.send(batch, topic, 0))
        await asyncio.wait({sending}, timeout=0.2)  # more than the sockets hold

        giving_up = asyncio.create_task(producer.give_up())
        await asyncio.wait({giving_up}, timeout=0.01)
        giving_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await giving_up
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert connections
        assert not any(connection.connected() for connection in connections)

    run(check(), seconds=110)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_sink_left_while_it_connects_ends_at_once(kafka_servers: Servers, how: str) -> None:
    """A cancelled connect, and one that another task leaves, take no longer than closing."""

    async def check() -> None:
        server = kafka_servers()
        server.kill() if how == "killed" else server.freeze()
        sink = open_sink(server, new_topic_name())
        entering = asyncio.create_task(sink.__aenter__())
        await asyncio.wait({entering}, timeout=0.3)
        began = time.monotonic()
        await sink.__aexit__(None, None, None)
        assert await entering is sink  # unconnected
        again = asyncio.create_task(sink.__aenter__())
        await asyncio.wait({again}, timeout=0.3)
        again.cancel()
        with pytest.raises(asyncio.CancelledError):
            await again
        assert time.monotonic() - began < 15
        with pytest.raises(SinkError, match="not open"):
            await sink.send([], None)

    run(check(), seconds=110)


def test_silence_is_said_once_with_the_reason_and_so_is_its_end(
    kafka_servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broker that goes away under us: one line with the reason, one when it takes records again."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic)
        async with open_sink(server, topic) as sink:
            await write(sink, numbered(1, 10))
            server.kill()
            waiting = asyncio.ensure_future(await sink.send(numbered(11, 20), None))
            await until(lambda: sink.status.value == "failing", seconds=40)
            await up_again(server)
            await waiting
            await until(lambda: sink.status.value == "ok", seconds=30)
        lines = [line for line in capsys.readouterr().err.splitlines() if "kafka" in line]
        told = [line for line in lines if "waiting for kafka" in line]

        assert len(told) == 1
        assert "refuses connections" in told[0]
        assert "unconfirmed_sends=1" in told[0]
        assert "takes records again" in lines[-1]

    run(check(), seconds=110)


def test_cluster_that_moved_is_found_again(kafka_servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every broker has another address after a restart; the one in our configuration still leads there."""
    monkeypatch.setattr(lanes, "_MOVED_SECONDS", 1.0)

    async def check() -> None:
        server = kafka_servers(listeners={"PROXIED": "PLAINTEXT"}, proxied=["PROXIED"])
        topic, elsewhere = new_topic_name(), free_port()
        await make_topics(server.bootstrap, topic)
        port, target = server.through("PROXIED")
        old, new = Proxy(target), Proxy(target)
        old.port, new.port = port, elsewhere
        async with old, KafkaSink([server.address("PROXIED")], topic, dead_letter=dead_letter) as sink:
            await write(sink, numbered(1, 100))
            server.stop()
            await old.down()
            properties = server.folder / "server.properties"
            properties.write_text(properties.read_text().replace(f"127.0.0.1:{port}", f"127.0.0.1:{elsewhere}"))
            async with new:
                await up_again(server)
                await write(sink, numbered(101, 200))
        sent = [(record.key, number(record.value)) for record in numbered(1, 200)]
        found = account(sent, await read_topic(server.bootstrap, topic), number)

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])

    run(check(), seconds=90)
