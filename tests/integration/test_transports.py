"""The kombu source on transports without a server: in memory, and files in a folder."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from kombu import Connection

from bridge.model import Delivery
from bridge.sources.kombu import KombuSource
from tests.ledger import Publisher, publish
from tests.reading import bodies, gaps, read_bodies, read_until, types
from tests.running import run


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A folder for messages, with the one for bindings in it."""
    (tmp_path / "control").mkdir()
    return tmp_path


def url_of(spool: Path) -> str:
    return f"filesystem://?data_folder_in={spool}&data_folder_out={spool}&control_folder={spool / 'control'}"


def publish_whole(spool: Path, body: bytes) -> None:
    """Kombu writes in place, and who reads at that moment gets half a file: here it is moved in when it is whole."""
    aside = spool / "aside"
    aside.mkdir()
    publish(url_of(spool).replace(f"data_folder_out={spool}", f"data_folder_out={aside}"), [body])
    for path in aside.iterdir():
        path.rename(spool / path.name)


@pytest.fixture
def no_queues_in_memory() -> Iterator[None]:
    """The memory transport's queues and bindings are the process's; those of a test go with it."""
    yield
    with Connection("memory://") as connection, connection.channel() as channel:
        channel.queues.clear()
        channel.state.clear()


def test_an_app_of_this_process_is_heard_in_memory(no_queues_in_memory: None) -> None:
    """An app whose broker is memory:// sends, by its own dispatcher, what a source of the same process reads."""
    app = Celery("in-memory", broker="memory://", set_as_current=False)

    async def check() -> None:
        async with KombuSource("memory://", queue_type="transient") as source:
            await source.start(None)
            with app.connection_for_write() as connection, app.events.Dispatcher(connection) as dispatcher:
                dispatcher.send("order-paid", order=7)
                dispatcher.send("order-sent", order=7)
            items = await read_until(source, lambda items: len(items) == 2)

            assert types(items) == {"order-paid", "order-sent"}
            assert isinstance(items[0], Delivery)
            assert items[0].routing_key == "order.paid"

    run(check())


def test_what_is_unsettled_goes_back_to_our_queue_only(no_queues_in_memory: None) -> None:
    """Kombu would put it back to every queue of the exchange: other readers must not get it twice."""

    async def check() -> None:
        name = f"g-{uuid4()}"
        async with KombuSource("memory://", queue_type="transient") as other:
            await other.start(None)
            async with KombuSource("memory://", group=name) as source:
                await source.start(None)
                publish("memory://", [b"1", b"2"])
                (first, *_) = await read_both(source)
                source.settle([first])
            async with KombuSource("memory://", group=name) as source:
                await source.start(None)
                (again,) = await source.read()
                assert isinstance(again, Delivery)
                assert (again.body, again.redelivered, again.routing_key) == (b"2", True, "task.multi")
                source.settle([again])
            publish("memory://", [b"3"])
            assert await read_bodies(other, 3) == [b"1", b"2", b"3"]

    run(check())


async def read_both(source: KombuSource) -> list[Delivery]:
    taken: list[Delivery] = []
    while len(taken) < 2:
        taken += [item for item in await source.read() if isinstance(item, Delivery)]
    return taken


def test_a_transient_queue_in_memory_is_not_made_again_by_publishing(no_queues_in_memory: None) -> None:
    """Kombu's delete leaves the binding, and the next publisher would fill a queue that nobody reads, for ever."""

    async def check() -> None:
        async with KombuSource("memory://", queue_type="transient") as source:
            await source.start(None)
        publish("memory://", [b"1"])
        with Connection("memory://") as connection, connection.channel() as channel:
            assert [name for name in channel.queues if name.startswith("celeryev.bridge")] == []
            assert channel.get_table("celeryev") == []

    run(check())


def test_a_bomb_in_memory_arrives_untouched(no_queues_in_memory: None) -> None:
    """A compression header is handed on with the sender's bytes; so is a content type nobody knows."""

    async def check() -> None:
        async with KombuSource("memory://", queue_type="transient") as source:
            await source.start(None)
            with Publisher("memory://") as publisher:
                publisher.send(b"\x1f\x8b", headers={"compression": "application/x-gzip"})
                publisher.send(b"\x80\x04", content_type="application/x-python-serialize", content_encoding="binary")
            first, second = await read_both(source)

            assert (first.body, dict(first.headers)) == (b"\x1f\x8b", {"compression": "application/x-gzip"})
            assert (second.body, second.content_type, second.content_encoding) == (
                b"\x80\x04",
                "application/x-python-serialize",
                "binary",
            )

    run(check())


def test_the_filesystem_keeps_for_a_group(spool: Path) -> None:
    """What is published while nobody reads waits in the folder; settled, its file is gone."""

    async def check() -> None:
        async with KombuSource(url_of(spool), group="kept"):
            pass
        await asyncio.to_thread(publish, url_of(spool), [b"1"])
        async with KombuSource(url_of(spool), group="kept") as source:
            await source.start(None)
            assert await read_bodies(source, 1) == [b"1"]

    run(check())
    assert list(spool.glob("*.msg")) == []


def test_a_transient_source_leaves_nothing_in_the_folder(spool: Path) -> None:
    """Neither its binding, by which every later event would become a file for ever, nor its messages."""

    async def check() -> None:
        async with KombuSource(url_of(spool), queue_type="transient") as source:
            await source.start(None)
            await asyncio.to_thread(publish, url_of(spool), [b"1", b"2"])
        await asyncio.to_thread(publish, url_of(spool), [b"3"])

    run(check())
    assert list(spool.glob("*.msg")) == []
    assert (spool / "control" / "celeryev.exchange").read_text().strip() in ("", "[]")


def test_a_file_that_cannot_be_read_is_a_gap(spool: Path) -> None:
    """The transport takes a file away before it parses it, half written or not: the loss is told, reading goes on."""

    async def check() -> None:
        async with KombuSource(url_of(spool), group="torn") as source:
            await source.start(None)
            (spool / "1_torn.celeryev.bridge.torn.msg").write_text('{"body": ')
            items = await read_until(source, lambda items: bool(gaps(items)))
            await asyncio.to_thread(publish_whole, spool, b"after")
            items += await read_until(source, lambda items: bool(bodies(items)))

            assert bodies(items) == [b"after"]
            assert gaps(items)[0].reason == "unreadable"

    run(check())
