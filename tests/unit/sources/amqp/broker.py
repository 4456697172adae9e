"""A RabbitMQ made of a script, on a real socket: for tests of what no real one does when asked."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, cast

from pamqp import base, commands, frame, header

from bridge.sources.amqp.address import Address, addresses
from bridge.sources.amqp.frames import FrameParser

_ANSWERS: dict[str, Sequence[base.Frame]] = {
    "Connection.StartOk": [commands.Connection.Tune(2047, 131072, 60)],
    "Connection.Open": [commands.Connection.OpenOk()],
    "Connection.Close": [commands.Connection.CloseOk()],
    "Channel.Open": [commands.Channel.OpenOk()],
    "Channel.Close": [commands.Channel.CloseOk()],
    "Exchange.Declare": [commands.Exchange.DeclareOk()],
    "Queue.Declare": [commands.Queue.DeclareOk("q", 0, 0)],
    "Queue.Delete": [commands.Queue.DeleteOk(0)],
    "Queue.Bind": [commands.Queue.BindOk()],
    "Basic.Qos": [commands.Basic.QosOk()],
    "Basic.Consume": [commands.Basic.ConsumeOk("bridge")],
    "Basic.Cancel": [commands.Basic.CancelOk("bridge")],
}


class ScriptedBroker(asyncio.Protocol):
    """
    Answers as RabbitMQ does, but for what the script says otherwise. Notes what it is told. One connection at a time.

    Args:
        answers: name of a method -> what is sent back on its channel; an empty list: nothing. A second time the same
            method comes, what `then` says.
        then: as `answers`, from the second time on.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[base.Frame]] | None = None,
        then: Mapping[str, Sequence[base.Frame]] | None = None,
    ) -> None:
        start = commands.Connection.Start(0, 9, {"product": "Script", "cluster_name": "c"}, "PLAIN EXTERNAL", "en_US")
        self._answers = {"": [start], **_ANSWERS, **(answers or {})}
        self._then = dict(then or {})
        self.heard: list[base.Frame] = []
        """Every method, in order."""
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = FrameParser()

    @property
    def names(self) -> list[str]:
        """Of what was heard."""
        return [method.name for method in self.heard]

    @property
    def url(self) -> str:
        """Of it."""
        return f"amqp://127.0.0.1:{self.port}//"

    def address(self, query: str = "") -> Address:
        """Of it."""
        return addresses(self.url + query)[0]

    def last(self, kind: type[base.Frame]) -> base.Frame:
        """The last method of this kind."""
        return next(method for method in reversed(self.heard) if isinstance(method, kind))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def script(
        self, answers: Mapping[str, Sequence[base.Frame]], then: Mapping[str, Sequence[base.Frame]] | None = None
    ) -> None:
        """From now on, as in the beginning."""
        self._answers |= answers
        self._then = dict(then or {})

    def cut(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def answer(self, name: str, *methods: base.Frame) -> None:
        """From now on."""
        self._answers[name] = methods

    def send(self, method: base.Frame, channel: int = 1) -> None:
        """A method of the broker's own."""
        self.write(frame.marshal(method, channel))

    def write(self, data: bytes) -> None:
        """Bytes."""
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = FrameParser()
        self.connections += 1

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"AMQP"):
            self._answer(0, "")
            data = data[8:]
        for channel, method in self._parser.feed(data, 0.0)[1]:
            self.heard.append(method)
            self._answer(channel, method.name)

    def _answer(self, channel: int, name: str) -> None:
        for method in self._answers.get(name, ()):
            self.send(method, channel)
        if name in self._then:
            self._answers[name] = self._then[name]


def delivery(
    tag: int,
    body: bytes,
    *,
    channel: int = 1,
    routing_key: str = "task.multi",
    redelivered: bool = False,
    frame_bytes: int = 131072,
    **properties: object,
) -> bytes:
    """A message as RabbitMQ sends it, in frames of at most `frame_bytes`."""
    deliver = commands.Basic.Deliver("bridge", tag, redelivered, "celeryev", routing_key)
    described = header.ContentHeader(0, len(body), commands.Basic.Properties(**properties))  # type: ignore[arg-type]
    most = frame_bytes - 8
    pieces = [body[at : at + most] for at in range(0, len(body), most)]
    frames = [struct.pack(">BHI", 3, channel, len(piece)) + piece + b"\xce" for piece in pieces]
    return frame.marshal(deliver, channel) + frame.marshal(described, channel) + b"".join(frames)
