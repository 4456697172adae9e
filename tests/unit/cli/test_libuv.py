"""uvloop's loop as the commands run it: names are looked up where the executor says, connections are as asyncio's."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.cli.libuv import LibuvLoop, new_event_loop
from bridge.cli.loop import run


@contextmanager
def listening() -> Iterator[int]:
    """A port of localhost that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def connect(host: str, port: int) -> str:
    """To which address the connection went."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    address: str = transport.get_extra_info("peername")[0]
    transport.close()
    return address


def test_a_loop_is_libuvs() -> None:
    """What `run` is given."""
    loop = new_event_loop()
    assert isinstance(loop, LibuvLoop)
    loop.close()


def test_names_are_looked_up_by_the_default_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a daemon thread of ours, not on libuv's, whose end a process waits for."""
    threads: list[threading.Thread] = []
    real = socket.getaddrinfo

    def look_up(*arguments: object, **options: object) -> object:
        threads.append(threading.current_thread())
        return real(*arguments, **options)  # type: ignore[arg-type]

    with listening() as port:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        assert run(connect("localhost", port)) == "127.0.0.1"
    assert any(thread.daemon and thread.name == "name lookup" for thread in threads)


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one refuses, the next one answers."""
    with listening() as port:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        async def addresses(*_: object, **__: object) -> object:
            return found

        monkeypatch.setattr(LibuvLoop, "getaddrinfo", addresses)
        assert run(connect("two.example", port)) == "127.0.0.1"
        found.pop()
        with pytest.raises(OSError, match="refused"):
            run(connect("two.example", port))
        found.clear()
        with pytest.raises(OSError, match="no address"):
            run(connect("two.example", port))


def test_addresses_need_no_look_up() -> None:
    """They go to libuv as they are."""
    with listening() as port:
        assert run(connect("127.0.0.1", port)) == "127.0.0.1"
