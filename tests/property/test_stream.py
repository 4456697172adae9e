"""Laws of the stream source's parsing: how the bytes are cut does not matter, and nothing is lost or repeated."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConnectError
from bridge.model import Delivery, Gap
from bridge.sources.stream.chunk import read_chunk
from bridge.sources.stream.envelope import Envelopes
from bridge.sources.stream.frames import Frames
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.messages import Messages
from bridge.sources.stream.place import Place
from bridge.testing import FakeClock
from tests.unit.sources.stream.streaming import batch, chunk, deliver, message, numbered, simple

BODIES = st.binary(max_size=600)
MESSAGES = st.builds(
    message,
    BODIES,
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=300), min_size=1, max_size=3),
    routing_key=st.text(max_size=60),
) | st.binary(max_size=100)  # fmt: skip


@given(st.lists(st.lists(MESSAGES, min_size=1, max_size=5), min_size=1, max_size=5), st.data())
def test_any_slicing_of_the_bytes_gives_the_same_deliveries(parts: list[list[bytes]], data: st.DataObject) -> None:
    """One read or many, of one byte or a thousand."""
    stream, offset = b"", 0
    for part in parts:
        stream += deliver(chunk(offset, [*map(simple, part), batch(part, 1)], messages=2 * len(part)))
        offset += 2 * len(part)

    def read(cuts: list[int]) -> list[Delivery]:
        frames, messages, found = Frames(), Messages(), list[Delivery]()
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            for _, payload in frames.feed(stream[start:end]):
                found += messages.read(read_chunk(payload, 1), 0, 1.0)
        return found

    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    whole = read([])
    assert len(whole) == offset
    assert read(cuts) == whole


@given(st.lists(st.binary(max_size=80) | MESSAGES, max_size=20))
def test_any_message_is_opened(bodies: list[bytes]) -> None:
    """Whatever bytes a client publishes to the stream, none of them raises, and known envelopes change nothing."""
    shared = Envelopes()
    for body in bodies * 2:
        assert shared.open(body, 0, len(body)) == Envelopes().open(body, 0, len(body))


@given(st.binary(max_size=300))
def test_any_garbage_is_a_connection_error(garbage: bytes) -> None:
    """Never another exception, never an endless wait."""
    try:
        for _, payload in Frames().feed(garbage):
            Messages().read(read_chunk(payload, 1), 0, 0.0)
    except ConnectError:
        pass


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(0, 20),
)
def test_whatever_is_sent_again_every_message_comes_once(sizes: list[int], restarts: list[int], begin: int) -> None:
    """Chunks from a connection that begins anew anywhere at or before the wanted offset change nothing."""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    end = sum(sizes)
    begin = min(begin, end - 1)
    intake = Intake(5000, 10**9, FakeClock(), changed=lambda: None)
    intake.begin(Place("offset", begin))
    for stop in [*restarts, end]:
        place = intake.place()
        assert place.kind == "offset"
        for start, size in zip(starts, sizes, strict=True):
            if start + size > place.value and start < stop:
                intake.chunk(numbered(start, start + size), 0)
    items: list[Delivery | Gap] = []
    while taken := intake.held.take():
        items += taken
    assert [item.body for item in items if isinstance(item, Delivery)] == [b"%d" % n for n in range(begin, end)]
    assert len(items) == end - begin
