"""A server that says what a test wants to every command it gets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import hiredis

Say = Callable[[list[bytes]], bytes | None]
"""From a command to the bytes of an answer; None closes the connection, b"" is silence."""

OK = b"+OK\r\n"
PONG = b"+PONG\r\n"
HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"
SUBSCRIBED = b">3\r\n$10\r\npsubscribe\r\n$13\r\n/0.celeryev/*\r\n:1\r\n"


def willing(command: list[bytes]) -> bytes | None:
    """As a server that lets everybody do everything."""
    return {b"HELLO": HELLO, b"PSUBSCRIBE": SUBSCRIBED, b"PING": PONG}.get(command[0], OK)


def bulk(*parts: bytes) -> bytes:
    """An array of strings."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def message(body: bytes, routing_key: bytes = b"task.multi") -> bytes:
    """What a subscriber by pattern gets; the body as no envelope, which is delivered as it is."""
    return bulk(b"pmessage", b"/0.celeryev/*", b"/0.celeryev/" + routing_key, body)


class Scripted:
    """Who listens on `port`; `asked` has every command so far."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.port = 0
        self.asked: list[list[bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.accepted = 0

    def tell(self, data: bytes) -> None:
        """To all that are connected, unasked."""
        for writer in self.writers:
            writer.write(data)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.writers.append(writer)
        commands = hiredis.Reader()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    self.asked.append(command)
                    answer = self.say(command)
                    if answer is None:
                        return self.hang_up(writer)
                    writer.write(answer)
        return self.hang_up(writer)

    def hang_up(self, writer: asyncio.StreamWriter) -> None:
        if writer in self.writers:
            self.writers.remove(writer)
        writer.close()


@contextlib.asynccontextmanager
async def scripted(say: Say = willing) -> AsyncIterator[Scripted]:
    """A server on 127.0.0.1 while the block runs."""
    server = Scripted(say)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
