"""bridge.sources.kombu.window"""

from bridge.model import Delivery, Gap
from bridge.sources.kombu.window import Window


def delivery(tag: object, size: int) -> Delivery:
    return Delivery(b"x" * size, tag=tag)


def test_room_is_what_is_not_taken_and_not_settled() -> None:
    """Taking uses it up, past the bound too; settling gives it back."""
    window = Window(100)
    first, second = delivery(1, 60), delivery(2, 60)
    window.take([first, Gap("overflow", 0, 0), second])
    assert (window.room, window.bytes, len(window)) == (-20, 120, 2)
    assert window.settle([first]) == [1]
    assert (window.room, len(window)) == (40, 1)


def test_settling_twice_counts_once() -> None:
    """A stranger, or one settled before, gives no room and no tag."""
    window = Window(100)
    one = delivery((0, 1), 10)
    window.take([one])
    assert window.settle([one, one, delivery((7, 7), 10)]) == [(0, 1)]
    assert (window.room, len(window)) == (100, 0)


def test_tags_of_two_connections_do_not_meet() -> None:
    """The same AMQP tag of a lost connection is another delivery, and its memory counts as long as it is held."""
    window = Window(100)
    old, new = delivery((0, 1), 10), delivery((1, 1), 10)
    window.take([old])
    window.take([new])
    assert window.bytes == 20
    assert window.settle([old]) == [(0, 1)]
    assert window.bytes == 10


def test_mean_size_is_over_all_ever_taken() -> None:
    """It says how large bodies are here, so settled ones count too; gaps do not."""
    window = Window(100)
    assert window.mean_size == 0
    window.take([delivery(1, 10), delivery(2, 30), Gap("overflow", 0, 0)])
    window.settle([delivery(1, 10)])
    assert window.mean_size == 20
