"""bridge.sources.amqp.handshake"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pamqp import base, commands
from pamqp import exceptions as refusals

from bridge.clock import SystemClock
from bridge.errors import ConnectError
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.handshake import connect
from tests.running import run, until
from tests.unit.sources.amqp.broker import ScriptedBroker


async def opened(address: Address) -> Connection:
    return await connect(address, "me", receive=lambda _: None, clock=SystemClock())


def heard(kind: type[base.Frame], query: str = "", **answers: list[base.Frame]) -> Any:
    """The broker's last method of this kind, after a connection was made and closed."""
    scripted = {name.replace("_", "."): methods for name, methods in answers.items()}

    async def check() -> base.Frame:
        async with ScriptedBroker(scripted) as broker:
            connection = await opened(broker.address(query))
            await connection.close()
            return broker.last(kind)

    return run(check())


def refused(query: str = "", **answers: list[base.Frame]) -> Exception:
    """What connecting raises."""
    scripted = {name.replace("_", "."): methods for name, methods in answers.items()}

    async def check() -> Exception:
        async with ScriptedBroker(scripted) as broker:
            try:
                await opened(broker.address(query))
            except (OSError, refusals.PAMQPException) as error:
                return error
            pytest.fail("connected")

    return run(check())


def test_who_we_are_is_said() -> None:
    """The connection's name, and that we understand a refused login and a cancelled consumer."""
    start_ok = heard(commands.Connection.StartOk)
    assert (start_ok.mechanism, start_ok.response) == ("PLAIN", "\0guest\0guest")
    assert start_ok.client_properties["connection_name"] == "me"
    assert start_ok.client_properties["product"] == "celery-event-bridge"
    capabilities = start_ok.client_properties["capabilities"]
    assert capabilities["authentication_failure_close"] is True
    assert capabilities["consumer_cancel_notify"] is True


def test_external_sends_no_password() -> None:
    """The certificate says who we are."""
    start_ok = heard(commands.Connection.StartOk, "?auth_mechanism=EXTERNAL")
    assert (start_ok.mechanism, start_ok.response) == ("EXTERNAL", "")


def test_the_older_way_to_say_a_password_is_known() -> None:
    """Whoever has `login_method=AMQPLAIN` in the URL of their workers."""
    broker = commands.Connection.Start(0, 9, {}, "AMQPLAIN", "en_US")
    start_ok = heard(commands.Connection.StartOk, "?login_method=AMQPLAIN", **{"": [broker]})
    assert start_ok.mechanism == "AMQPLAIN"
    assert start_ok.response == "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"


@pytest.mark.parametrize(
    ("query", "theirs", "agreed"),
    [
        ("", (2047, 131072, 60), (2047, 131072, 10)),
        ("", (0, 0, 0), (2047, 131072, 10)),
        ("?heartbeat=30&frame_max=1000000", (10, 8192, 5), (10, 8192, 5)),
        ("?frame_max=8192", (10, 131072, 60), (10, 8192, 10)),
        ("?frame_max=1000000&channel_max=5", (10, 0, 60), (5, 1000000, 10)),
    ],
)
def test_the_smaller_wish_is_agreed_on(query: str, theirs: tuple[int, int, int], agreed: tuple[int, ...]) -> None:
    """Of channels, frame size and heartbeat; the broker's 0 is no wish, and we always want a heartbeat."""
    tune_ok = heard(commands.Connection.TuneOk, query, Connection_StartOk=[commands.Connection.Tune(*theirs)])
    assert (tune_ok.channel_max, tune_ok.frame_max, tune_ok.heartbeat) == agreed


def test_the_broker_introduces_itself() -> None:
    """Its properties can be read: two connections to one cluster know it by its name."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            connection = await opened(broker.address())
            await connection.close()
            assert connection.server_properties["cluster_name"] == "c"

    run(check())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"Connection_StartOk": [commands.Connection.Close(403, "refused", 0, 0)]}, refusals.AMQPAccessRefused),
        ({"Connection_Open": [commands.Connection.Close(530, "no vhost", 0, 0)]}, refusals.AMQPNotAllowed),
    ],
)
def test_a_refusal_has_its_reason(answers: dict[str, list[base.Frame]], kind: type[Exception]) -> None:
    """The class of the reply code."""
    assert type(refused(**answers)) is kind


def test_a_mechanism_that_is_not_offered_is_not_tried() -> None:
    """What is offered is said."""
    start = commands.Connection.Start(0, 9, {}, "AMQPLAIN", "en_US")

    async def check() -> None:
        broker = ScriptedBroker({"": [start]})
        async with broker:
            with pytest.raises(refusals.AMQPAccessRefused, match="no PLAIN, only AMQPLAIN"):
                await opened(broker.address())
        assert broker.heard == []

    run(check())


@pytest.mark.parametrize("silent", ["Connection_StartOk", "Connection_Open"])
def test_a_broker_that_says_nothing_is_given_up(silent: str) -> None:
    """After connection_timeout, wherever it falls silent."""
    assert isinstance(refused("?connection_timeout=200", **{silent: []}), TimeoutError)


def test_who_speaks_something_else_is_refused() -> None:
    """A web server, say."""

    async def check() -> None:
        async with await asyncio.start_server(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            broker = ScriptedBroker()
            broker.port = port
            with pytest.raises(refusals.AMQPFrameError):
                await opened(broker.address())

    run(check())


def answering(words: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()

    return answer


def test_giving_up_meanwhile_leaves_nothing() -> None:
    """A connect that is cancelled closes what it opened."""

    async def check() -> None:
        async with ScriptedBroker({"Connection.Open": []}) as broker:
            connecting = asyncio.create_task(opened(broker.address()))
            await until(lambda: "Connection.Open" in broker.names)
            connecting.cancel()
            await asyncio.wait({connecting})
            assert connecting.cancelled()

    run(check())


def test_a_certificate_that_is_being_renewed_is_waited_for(tmp_path: Any) -> None:
    """Its file was there at the start; now it is not, and in a moment it is again."""
    address = Address("amqps://h", "127.0.0.1", 1, "u", "p", "/", tls={"ssl_ca_certs": str(tmp_path / "ca.pem")})
    with pytest.raises(ConnectError, match="ssl_ca_certs"):
        run(opened(address))  # type: ignore[arg-type]
