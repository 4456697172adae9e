"""bridge/sources/stream/over_amqp.py: what needs no server; the rest is in tests/integration/test_streams.py."""

import pytest
from pamqp import commands as methods

from bridge.model import Delivery
from bridge.sources.amqp.address import addresses
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.over_amqp import OFFSET, AmqpLink
from bridge.sources.stream.place import Place
from bridge.testing import FakeClock
from tests.running import run


def message(offset: object, tag: object) -> Delivery:
    return Delivery(b"x", headers={OFFSET: offset, "hostname": "w"}, tag=tag)


class Reading:
    """A link that reads from a connection which is not connected, and the acks it sends."""

    def __init__(self, begin: int) -> None:
        clock = FakeClock()
        self.intake = Intake(100, 10_000, clock, changed=lambda: None)
        self.intake.begin(Place("offset", begin))
        self.intake.place()
        self.link = AmqpLink(addresses("amqp://h")[0], "s", self.intake, 100, clock)
        self.acks: list[tuple[int, bool]] = []
        connection = Connection("h", receive=self.link.receive, tag_base=0, patience_seconds=1, clock=clock)
        self.link.adopt(connection, Channel(1, self._sent, 1))

    def _sent(self, number: int, method: object) -> None:
        assert isinstance(method, methods.Basic.Ack)
        self.acks.append((method.delivery_tag, method.multiple))

    def taken(self) -> list[Delivery]:
        return [item for item in self.intake.held.take() if isinstance(item, Delivery)]


def test_messages_are_taken_by_their_offset_and_acknowledged_when_settled() -> None:
    """The one before the wanted one at once; the header that AMQP adds is taken off."""

    async def check() -> None:
        reading = Reading(7)
        reading.link.receive([message(6, 1), message(7, 2), message(8, 3), message(9, 4)])
        taken = reading.taken()
        assert [item.headers for item in taken] == [{"hostname": "w"}] * 3
        assert reading.acks == [(1, False)]
        reading.intake.settle(taken[:2])
        reading.link.proceed()
        reading.intake.settle(taken[2:])
        reading.link.proceed()
        assert reading.acks == [(1, False), (3, True), (4, True)]
        assert await reading.link.stored() is None
        await reading.link.close(polite=False)

    run(check())


@pytest.mark.parametrize(("offset", "tag"), [(None, 1), ("x", 1), (7, None)])
def test_a_queue_that_is_no_stream_loses_the_connection(offset: object, tag: object) -> None:
    """Its messages have no offset."""

    async def check() -> None:
        reading = Reading(7)
        reading.link.receive([message(offset, tag)])
        assert "is it a stream" in str(reading.link.lost.result())
        await reading.link.close(polite=False)

    run(check())


def test_no_start_is_counted() -> None:
    """Nor is there a position that it could be counted at."""

    async def check() -> None:
        link = Reading(7).link
        await link.note(1)
        assert await link.noted() is None
        await link.close(polite=False)

    run(check())
