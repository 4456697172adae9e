"""bridge/service/rewound.py."""

from bridge.service.rewound import Rewound
from bridge.sources.stream import StreamSource
from bridge.testing import FakeClock, MemorySink
from tests.running import run


def rewound(sink: MemorySink, start: str | None = None, clock: FakeClock | None = None) -> Rewound:
    return Rewound(StreamSource("amqp://", start=start), sink, clock or FakeClock())


def test_who_begins_elsewhere_is_counted_there() -> None:
    """Five deaths at the position condemn nothing that lies where `--start` leads; five there do."""

    async def check() -> None:
        sink = MemorySink(begun=5)
        assert await rewound(sink).begin() == 5
        for before in range(5):
            assert await rewound(sink, "oldest").begin() == before
        assert await rewound(sink, "7").begin() == 0
        assert sink.begun_at == "offset 7"
        await rewound(sink, "7").rest()
        assert sink.begun == 0

    run(check())


def test_what_comes_next_is_another_each_time() -> None:
    """Whoever died of it, it is not read again."""

    async def check() -> None:
        sink, clock = MemorySink(), FakeClock()
        for _ in range(3):
            assert await rewound(sink, "next", clock).begin() == 0
            clock.turn(1)

    run(check())


def test_after_another_replica_read_it_is_the_position() -> None:
    """`--start` was for the first turn."""

    async def check() -> None:
        sink, source = MemorySink(begun=5), StreamSource("amqp://", start="oldest")
        source._pass_on()
        assert await Rewound(source, sink, FakeClock()).begin() == 5

    run(check())
