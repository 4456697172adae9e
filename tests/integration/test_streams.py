"""The stream source on a real RabbitMQ."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import orjson
import pytest
import structlog

from bridge.errors import ConfigError, ConnectError, CredentialsError
from bridge.model import Delivery, Gap
from bridge.sources.stream import StreamSource
from tests.ledger import publish
from tests.reading import bodies, gaps, read_bodies, read_until
from tests.running import run, until
from tests.servers.ports import free_port
from tests.servers.process import folder
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.servers.tls import certificates

pytestmark = pytest.mark.servers("rabbitmq")

SMALL = {"x-max-length-bytes": "60000", "x-stream-max-segment-size-bytes": "20000"}
"""A stream that holds some 100 of the messages below."""

SEGMENTS = 50
"""More than 1,000 of the messages below fill."""


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group of the test's own; its stream is removed afterwards."""
    name = f"test-{uuid4()}"
    yield name
    rabbitmq.delete(stream(name))


def stream(group: str) -> str:
    return f"celeryev.bridge.{group}.stream"


def url(server: RabbitServer, *, amqp: int | None = None, streams: int | None = None, more: str = "") -> str:
    """Of the server, or of proxies before its ports."""
    return f"amqp://guest:guest@127.0.0.1:{amqp or server.port}//?stream_port={streams or server.stream_port}{more}"


def numbered(first: int, last: int, size: int = 0) -> list[bytes]:
    return [b'{"number":%d,"padding":"%s"}' % (number, b"x" * size) for number in range(first, last + 1)]


def number(body: bytes) -> int:
    return int(orjson.loads(body)["number"])


async def send(server: RabbitServer, sent: Sequence[bytes]) -> None:
    await asyncio.to_thread(publish, server.url, sent)


async def fill(server: RabbitServer, first: int, last: int) -> None:
    """In small pieces, so that segments end among them."""
    for start in range(first, last + 1, 20):
        await send(server, numbered(start, min(start + 19, last), 200))


def last(items: Sequence[Delivery | Gap]) -> int:
    """The number of the last body among them."""
    return number([b'{"number":0}', *bodies(list(items))][-1])


async def take(source: StreamSource, count: int) -> list[Delivery]:
    """Read, and settle nothing, until there are so many deliveries."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += [item for item in await source.read() if isinstance(item, Delivery)]
    return taken


def warnings(logs: Sequence[dict[str, object]]) -> list[object]:
    return [line["event"] for line in logs if line["log_level"] == "warning"]


def test_the_stream_is_declared_as_promised(rabbitmq: RabbitServer, group: str) -> None:
    """Durable, a stream, bounded in bytes and age, in small segments; --queue-arg replaces."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, queue_args={"x-max-age": "2D"}):
            pass

    run(check(), seconds=20)
    listed = rabbitmq.ctl("list_queues", "name", "durable", "exclusive", "arguments", "--formatter", "json")
    (queue,) = [queue for queue in orjson.loads(listed) if queue["name"] == stream(group)]
    assert queue["durable"] is True
    assert not queue["exclusive"]
    assert {name: value for name, _, value in queue["arguments"]} == {
        "x-queue-type": "stream",
        "x-max-length-bytes": 4 * 1024**3,
        "x-max-age": "2D",
        "x-stream-max-segment-size-bytes": 64 * 1024**2,
    }


def test_a_stream_with_other_arguments_is_a_configuration_error(rabbitmq: RabbitServer, group: str) -> None:
    """Both values and the remedies are in the message."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, queue_args={"x-max-length-bytes": "1000000"}):
            pass
        with pytest.raises(ConfigError, match=r"1000000.*4294967296|4294967296.*1000000"):
            async with StreamSource(url(rabbitmq), group=group):
                pytest.fail("declared")

    run(check(), seconds=20)


def test_reading_goes_on_at_the_stored_offset(rabbitmq: RabbitServer, group: str) -> None:
    """Without a position the next process begins behind what was settled in order, after a clean stop exactly there."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            await send(rabbitmq, numbered(1, 100))
            taken = await take(source, 100)
            source.settle(taken[:40])
            source.settle(taken[50:])
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            assert bodies(await take(source, 60)) == numbered(41, 100)

    run(check(), seconds=30)


def test_nothing_is_stored_where_the_sink_keeps_the_position(rabbitmq: RabbitServer, group: str) -> None:
    """Not at its first start either, which has no position: each one stored would take an offset of the stream."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, remembered=False) as source:
            await source.start(None)
            await send(rabbitmq, numbered(1, 5))
            source.settle(await take(source, 5))
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            assert bodies(await take(source, 5)) == numbered(1, 5)

    run(check(), seconds=30)


def test_the_position_is_stored_while_reading(rabbitmq: RabbitServer, group: str) -> None:
    """What was settled is stored within moments, without a clean stop."""

    async def check() -> None:
        async with Proxy(rabbitmq.port) as amqp, Proxy(rabbitmq.stream_port) as streams:
            behind = url(rabbitmq, amqp=amqp.port, streams=streams.port)
            async with StreamSource(behind, group=group) as source:
                await source.start(None)
                await send(rabbitmq, numbered(1, 10))
                taken = await take(source, 10)
                source.settle(taken)
                link, position = source._reader._link, taken[-1].position
                assert link is not None
                assert position is not None
                async with asyncio.timeout(20):
                    last = int.from_bytes(position[:8], "big") - 1  # the last message's own offset
                    while await link.stored() != last:  # noqa: ASYNC110 - only asking tells
                        await asyncio.sleep(0.05)
                await amqp.down()
                await streams.down()
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            await send(rabbitmq, numbered(11, 12))
            assert bodies(await take(source, 2)) == numbered(11, 12)

    run(check(), seconds=60)


def test_stored_positions_are_no_gaps(rabbitmq: RabbitServer, group: str) -> None:
    """Each takes an offset of the stream where nothing else is written: neither this reader nor the next takes them
    for lost messages."""

    async def check() -> None:
        items: list[Delivery | Gap] = []
        for start in range(1, 40, 10):
            async with StreamSource(url(rabbitmq), group=group) as source:
                await source.start(None)
                for once in range(start, start + 10, 5):
                    await send(rabbitmq, numbered(once, once + 4))
                    items += await read_until(source, lambda items: len(bodies(items)) == 5)
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start((0).to_bytes(8, "big"))
            again = await take(source, 40)

        assert bodies(items) == bodies(again) == numbered(1, 40)
        assert not gaps(items)
        assert again[-1].position is not None
        assert int.from_bytes(again[-1].position[:8], "big") > 40, "positions took offsets"

    run(check(), seconds=60)


def test_starts_are_counted_whatever_the_bound_cut_off(rabbitmq: RabbitServer, group: str) -> None:
    """RabbitMQ forgets what is below the oldest message: an offset, but not the count."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, queue_args=SMALL) as source:
            assert await source.begin() == 0
            await fill(rabbitmq, 1, 400)
        async with StreamSource(url(rabbitmq), group=group, queue_args=SMALL) as source:
            assert await source.begin() == 1

    run(check(), seconds=40)


def test_starts_at_a_place_are_counted_until_something_is_settled(rabbitmq: RabbitServer, group: str) -> None:
    """Though every one of them begins at the same place, and settles the same."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group):
            await send(rabbitmq, numbered(1, 5))
        for before, settled in ((0, 5), (0, 5), (0, 0), (1, 0)):
            async with StreamSource(url(rabbitmq), group=group, start="oldest") as source:
                assert await source.begin() == before
                await source.start(None)
                source.settle((await take(source, 5))[:settled])

    run(check(), seconds=40)


def test_starts_are_counted_at_the_place_where_they_begin(rabbitmq: RabbitServer, group: str) -> None:
    """Who died where the broker remembers died of nothing that lies elsewhere, and the other way round."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group):
            await send(rabbitmq, numbered(1, 5))
        places = (None, 0), (None, 1), ("2", 0), ("2", 1), ("next", 0), ("next", 0), ("2026-11-20", 0), (None, 0)
        for place, before in places:
            async with StreamSource(url(rabbitmq), group=group, start=place) as source:
                assert await source.begin() == before

    run(check(), seconds=40)


def test_over_amqp_no_start_is_counted(rabbitmq: RabbitServer, group: str) -> None:
    """Nobody remembers it there."""

    async def check() -> None:
        for at in (free_port(), free_port(), rabbitmq.stream_port):
            async with StreamSource(url(rabbitmq, streams=at), group=group) as source:
                assert await source.begin() == 0
                await source.rest()
                assert await source.begin() == 0

    run(check(), seconds=40)


@pytest.mark.parametrize("over_amqp", [False, True])
def test_what_the_bound_cut_off_is_counted(rabbitmq: RabbitServer, group: str, over_amqp: bool) -> None:
    """From a position on that was cut off meanwhile there is one gap, which begins before what is lost was published.
    Its count is that of the messages that never came, but for the one entry of its own that the stream has in each of
    its segments."""
    at = free_port() if over_amqp else rabbitmq.stream_port

    async def check() -> None:
        async with StreamSource(url(rabbitmq, streams=at), group=group, queue_args=SMALL) as source:
            await source.start((0).to_bytes(8, "big"))
            await send(rabbitmq, numbered(1, 20, 200))
            position = (await take(source, 20))[-1].position
        away_since = time.time()
        await fill(rabbitmq, 21, 1000)
        async with StreamSource(url(rabbitmq, streams=at), group=group, queue_args=SMALL) as source:
            await source.start(position)
            items = await read_until(source, lambda items: last(items) == 1000)

        gap, *rest = items
        assert isinstance(gap, Gap)
        assert gap.reason == "truncated"
        lost = number(bodies(items)[0]) - 21
        assert bodies(items) == numbered(21 + lost, 1000, 200)
        assert gap.lost is not None
        assert 100 < lost <= gap.lost <= lost + SEGMENTS
        assert not gap.lost_exact
        assert gap.from_time <= away_since <= gap.to_time
        assert all(isinstance(item, Delivery) for item in rest)

    run(check(), seconds=60)


def test_what_is_cut_off_under_a_slow_reader_is_counted(rabbitmq: RabbitServer, group: str) -> None:
    """Also while connected: what is not delivered is counted in gaps, which stand where it is missing."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, queue_args=SMALL, prefetch=1) as source:
            await source.start((0).to_bytes(8, "big"))
            await send(rabbitmq, numbered(1, 1, 200))
            items: list[Delivery | Gap] = [*await take(source, 1)]
            await fill(rabbitmq, 2, 1001)
            source.settle(items)  # type: ignore[arg-type]
            items += await read_until(source, lambda items: last(items) == 1001)

        expected, told = 1, 0
        for item in items:
            if isinstance(item, Gap):
                assert item.reason == "truncated"
                assert item.lost
                told = item.lost
            else:
                lost = number(item.body) - expected
                assert lost <= told <= lost + (SEGMENTS if told else 0)
                expected, told = number(item.body) + 1, 0
        assert expected == 1002
        assert gaps(items)

    run(check(), seconds=60)


def test_a_deleted_stream_is_made_again_and_reported(rabbitmq: RabbitServer, group: str) -> None:
    """The server says so at once; what may have been lost is one Gap with its reason, and reading goes on."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            await send(rabbitmq, numbered(1, 3))
            await read_bodies(source, 3)
            await asyncio.to_thread(rabbitmq.delete, stream(group))
            items = await read_until(source, lambda items: bool(gaps(items)))
            await send(rabbitmq, numbered(4, 5))

            assert await read_bodies(source, 2) == numbered(4, 5)
            (gap,) = gaps(items)
            assert gap.reason == "queue-deleted"
            assert gap.lost is None

    run(check(), seconds=30)


@pytest.mark.parametrize("exists", [False, True])
def test_a_position_beyond_the_end_is_of_another_stream(rabbitmq: RabbitServer, group: str, exists: bool) -> None:
    """The stream was made anew, by us just now or by somebody before: a Gap says so, and all of it is read."""

    async def check() -> None:
        if exists:
            async with StreamSource(url(rabbitmq), group=group):
                await send(rabbitmq, numbered(1, 3))
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start((1000).to_bytes(8, "big"))
            await asyncio.sleep(0)
            await until(lambda: rabbitmq.depth(stream(group)) is not None)
            await until(lambda: source._reader._ever_read)
            await send(rabbitmq, numbered(4, 6))
            items = await read_until(source, lambda items: bodies(items)[-1:] == numbered(6, 6))

        (gap,) = gaps(items)
        assert items[0] is gap
        assert gap.reason == "stream-replaced"
        assert bodies(items) == numbered(1 if exists else 4, 6)

    run(check(), seconds=30)


def test_a_stream_that_was_made_anew_and_outgrew_the_position_is_another(rabbitmq: RabbitServer, group: str) -> None:
    """Deleted and filled by somebody while we were away: a Gap says so, all of it is read; the next start goes on."""

    async def read(position: bytes | None, last: int) -> list[Delivery | Gap]:
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(position)
            return await read_until(source, lambda items: bodies(items)[-1:] == numbered(last, last))

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group):
            await send(rabbitmq, numbered(1, 3))
        position = (await read(None, 3))[-1].position
        await asyncio.to_thread(rabbitmq.delete, stream(group))
        async with StreamSource(url(rabbitmq), group=group):
            await send(rabbitmq, numbered(11, 20))
        items = await read(position, 20)
        (gap,) = gaps(items)
        assert gap.reason == "stream-replaced"
        assert bodies(items) == numbered(11, 20)
        await send(rabbitmq, numbered(21, 22))
        assert bodies(await read(items[-1].position, 22)) == numbered(21, 22)
        assert bodies(await read(gap.position, 22)) == numbered(11, 22)

    run(check(), seconds=60)


def test_without_the_plugin_the_stream_is_read_over_amqp(rabbitmq_servers: Callable[..., RabbitServer]) -> None:
    """It is said once, however often the connection is made anew, and every message comes once."""
    server = rabbitmq_servers(streams=False)

    async def check() -> list[dict[str, object]]:
        with structlog.testing.capture_logs() as logs:
            async with Proxy(server.port) as amqp, StreamSource(url(server, amqp=amqp.port)) as source:
                await source.start(None)
                await send(server, numbered(1, 50))
                taken = await take(source, 50)
                for again in range(2):
                    await amqp.drop()
                    await send(server, numbered(51 + again, 51 + again))
                    taken += await take(source, 1)
            assert bodies(taken) == numbered(1, 52)
        return logs  # type: ignore[return-value]

    logs = run(check(), seconds=60)
    assert warnings(logs).count("stream is read over AMQP, without a remembered position") == 1


def test_the_port_of_another_cluster_is_not_used(
    rabbitmq: RabbitServer, group: str, rabbitmq_servers: Callable[..., RabbitServer]
) -> None:
    """What AMQP and the port for streams call their cluster is compared; it is said, and AMQP is used."""
    other = rabbitmq_servers()

    async def check() -> list[dict[str, object]]:
        with structlog.testing.capture_logs() as logs:
            async with StreamSource(url(rabbitmq, streams=other.stream_port), group=group) as source:
                await source.start(None)
                await send(rabbitmq, numbered(1, 5))
                assert bodies(await take(source, 5)) == numbered(1, 5)
        return logs  # type: ignore[return-value]

    logs = run(check(), seconds=60)
    (line,) = [line for line in logs if str(line["event"]).startswith("stream is read over AMQP")]
    assert "another broker" in str(line["reason"])


def test_both_ways_give_the_same_deliveries(rabbitmq: RabbitServer, group: str) -> None:
    """Bodies, content types, headers, routing keys and positions are those of the publisher over either protocol."""

    async def read(at: int) -> list[Delivery]:
        async with StreamSource(url(rabbitmq, streams=at), group=group) as source:
            await source.start((0).to_bytes(8, "big"))
            return await take(source, 4)

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group):
            await asyncio.to_thread(send_all)
        ours, theirs = await read(rabbitmq.stream_port), await read(free_port())
        for one, other in zip(ours, theirs, strict=True):
            one.received_at = other.received_at = None
            for delivery in (one, other):  # over AMQP nobody tells when a chunk was written
                assert delivery.position is not None
                delivery.position = delivery.position[:8]
            assert one == other
        assert ours[1].headers == {"compression": "gzip", "hostname": "w1", "tries": 3}
        assert ours[1].content_encoding == "utf-16"
        assert ours[3].content_type is None
        assert [len(delivery.body) for delivery in ours] == [2, 1000, 300_000, 0]

    def send_all() -> None:
        from amqp import Message

        with rabbitmq.connect(confirm_publish=True) as connection:
            channel = connection.channel()
            headers = {"compression": "gzip", "hostname": "w1", "tries": 3}
            for message, key in (
                (Message(b"{}", content_type="application/json", content_encoding="utf-8"), "task.multi"),
                (
                    Message(
                        b"x" * 1000,
                        content_type="application/json",
                        content_encoding="utf-16",
                        application_headers=headers,
                        delivery_mode=1,
                        priority=0,
                        message_id="m",
                        correlation_id="c",
                    ),
                    "worker.heartbeat",
                ),
                (Message(b"y" * 300_000, content_type="text/plain"), "order.paid"),
                (Message(b""), "k" * 200),
            ):
                channel.basic_publish(message, "celeryev", key)

    run(check(), seconds=30)


def test_no_more_than_the_window_is_read(rabbitmq: RabbitServer, group: str) -> None:
    """With nothing settled at most `prefetch` messages come and the rest of one chunk; what is settled makes room."""

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group, prefetch=100) as source:
            for first in range(1, 1001, 10):  # chunks of 10 at most
                await send(rabbitmq, numbered(first, first + 9))
            await source.start(None)
            held = await take(source, 100)
            await until(lambda: not source._intake.held)
            assert 100 <= source._intake.window.items < 120
            source.settle(held)
            assert bodies(held + await take(source, 50))[:150] == numbered(1, 150)

    run(check(), seconds=60)


def test_reading_pauses_at_the_byte_bound_and_the_connection_lives(rabbitmq: RabbitServer, group: str) -> None:
    """Unsettled bodies beyond the bound stop the asking for more, heartbeats go on; settling goes on with it."""
    large = numbered(1, 12, 1_000_000)

    async def check() -> None:
        async with Proxy(rabbitmq.stream_port) as streams:
            behind = url(rabbitmq, streams=streams.port, more="&heartbeat=1")
            async with StreamSource(behind, group=group, max_unsettled_bytes=3_000_000) as source:
                await source.start(None)
                for one in large:
                    await send(rabbitmq, [one])
                held: list[Delivery] = []
                deadline = asyncio.get_running_loop().time() + 4  # heartbeats would be missed after 2 s
                while (left := deadline - asyncio.get_running_loop().time()) > 0:
                    try:
                        async with asyncio.timeout(left):
                            held += [item for item in await source.read() if isinstance(item, Delivery)]
                    except TimeoutError:
                        break

                assert 3 <= len(held) <= 4
                source.settle(held)
                rest = await read_bodies(source, len(large) - len(held))
                assert bodies(held) + rest == large
                assert streams.accepted == 1

    run(check(), seconds=60)


def test_a_connection_that_falls_silent_is_noticed(rabbitmq: RabbitServer, group: str) -> None:
    """With packets dropped and the connection open, missing heartbeats tell; a new connection reads on."""

    async def check() -> None:
        async with Proxy(rabbitmq.stream_port) as streams:
            behind = url(rabbitmq, streams=streams.port, more="&heartbeat=1")
            async with StreamSource(behind, group=group) as source:
                await source.start(None)
                await send(rabbitmq, numbered(1, 1))
                await read_bodies(source, 1)
                streams.freeze()
                await send(rabbitmq, numbered(2, 2))
                await until(lambda: streams.accepted > 1, seconds=20)
                streams.thaw()

                assert await read_bodies(source, 1) == numbered(2, 2)

    run(check(), seconds=40)


def test_leaving_a_server_that_hangs_ends_in_time(rabbitmq: RabbitServer, group: str) -> None:
    """With the connections frozen, closing is given up within its 5 s."""

    async def check() -> float:
        loop = asyncio.get_running_loop()
        async with Proxy(rabbitmq.port) as amqp, Proxy(rabbitmq.stream_port) as streams:
            async with StreamSource(url(rabbitmq, amqp=amqp.port, streams=streams.port), group=group) as source:
                await source.start(None)
                await until(lambda: source._reader._ever_read)
                amqp.freeze()
                streams.freeze()
                before = loop.time()
            return loop.time() - before

    assert run(check(), seconds=30) < 5.5


def test_a_stream_can_be_read_from_where_one_wants(rabbitmq: RabbitServer, group: str) -> None:
    """--start goes to the oldest, the next, an offset or a time, whatever is remembered."""

    async def read(start: str, first: bytes) -> None:
        async with StreamSource(url(rabbitmq), group=group, start=start) as source:
            await source.start(None)
            await until(lambda: source._reader._ever_read)
            if start == "next":
                await send(rabbitmq, [first])
            assert (await take(source, 1))[0].body == first

    async def check() -> None:
        async with StreamSource(url(rabbitmq), group=group) as source:
            await source.start(None)
            await send(rabbitmq, numbered(1, 5))
            source.settle(await take(source, 5))
        await read("oldest", numbered(1, 1)[0])
        await read("2", numbered(3, 3)[0])
        await read("2020-01-01T00:00:00Z", numbered(1, 1)[0])
        await read("next", numbered(77, 77)[0])

    run(check(), seconds=40)


def test_a_missing_right_to_read_is_an_error_with_fail_fast(rabbitmq: RabbitServer, group: str) -> None:
    """It is missed only when messages are asked for, after everything was declared."""
    publish(rabbitmq.url, [b"the exchange is there"])
    rabbitmq.ctl("add_user", group, "secret")
    rabbitmq.ctl("set_permissions", group, r"^celeryev\.bridge\.", r"^celeryev\.bridge\.", "^celeryev$")

    async def check() -> None:
        place = f"amqp://{group}:secret@127.0.0.1:{rabbitmq.port}//?stream_port={rabbitmq.stream_port}"
        async with StreamSource(place, group=group, fail_fast=True) as source:
            await source.start((0).to_bytes(8, "big"))
            with pytest.raises(CredentialsError, match=r"read.* the queue celeryev\.bridge"):
                await source.read()

    try:
        run(check(), seconds=20)
    finally:
        rabbitmq.ctl("delete_user", group)


def test_tls_verifies_the_server_on_both_ports(rabbitmq_servers: Callable[..., RabbitServer]) -> None:
    """With the authority's certificate it reads; a host name that the certificate lacks is refused."""
    place = certificates(folder("tls"))
    place.chmod(0o755)
    for file in place.iterdir():
        file.chmod(0o644)
    amqps, streams = free_port(), free_port()
    files = (("cacertfile", "ca.pem"), ("certfile", "node.crt"), ("keyfile", "node.key"))
    conf = f"listeners.ssl.default = {amqps}\nstream.listeners.ssl.1 = {streams}\n"
    conf += "".join(f"ssl_options.{option} = {place / name}\n" for option, name in files)
    server = rabbitmq_servers(conf=conf + "ssl_options.verify = verify_none\n")

    async def check(host: str) -> list[object]:
        with structlog.testing.capture_logs() as logs:
            address = f"amqps://guest:guest@{host}:{amqps}//?ssl_ca_certs={place / 'ca.pem'}&stream_port={streams}"
            async with StreamSource(address, fail_fast=True) as source:
                await source.start((0).to_bytes(8, "big"))
                await send(server, numbered(1, 3, 100_000))
                assert (await take(source, 3))[2].body == numbered(3, 3, 100_000)[0]
        return warnings(logs)  # type: ignore[arg-type]

    try:
        assert run(check("127.0.0.1"), seconds=20) == []
        with pytest.raises(ConnectError, match="certificate"):
            run(check("localhost"), seconds=20)
    finally:
        shutil.rmtree(place)


def test_a_restarted_broker_repeats_and_loses_nothing(rabbitmq_servers: Callable[..., RabbitServer]) -> None:
    """Over a clean stop of the broker reading goes on behind what was read, though nothing of it was settled."""
    server = rabbitmq_servers()

    async def check() -> None:
        async with StreamSource(url(server)) as source:
            await source.start(None)
            await send(server, numbered(1, 500))
            taken = await take(source, 300)
            await asyncio.to_thread(server.stop)
            server.start(wait=False)
            await asyncio.to_thread(server.wait)
            # until then RabbitMQ 3.10 routes past the stream, and confirms
            await until(lambda: server.depth(stream("default")) is not None, seconds=30, every=0.1)
            await send(server, numbered(501, 600))
            taken += await take(source, 600 - len(taken))
            assert bodies(taken) == numbered(1, 600)

    run(check(), seconds=100)
