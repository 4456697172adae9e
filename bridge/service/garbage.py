"""
How often Python looks for cycles of garbage while the bridge runs: seldom, because it makes next to none. And when what
was freed goes back to the system.
"""

import functools
import gc
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.clock import Clock

THRESHOLDS = (50_000, 10, 10)
"""
Python's own are 700, 10, 10: a first look after every 700 containers that were made and are still there.

What flows is freed by its last reference, so a look finds nothing, and one in a hundred walks through all tasks. With
100,000 of them, 700 looks in 160,000 events took 1.7 to 5.1 us an event, the one at everything 57 to 330 ms (by
gc.callbacks, wall clock of a busy machine, two runs); from 10,000 on there was none. Above that for what is in flight:
6 sends of 2,000 records with 5 containers each make one look while they come to be. Cycles, of exceptions and
connections, would be found late, or never where as many containers leave as come: see `tidying`.
"""

TIDY_SECONDS = 15.0
"""Between two looks at what was made since the last one: some milliseconds. An exception's traceback holds what its
functions held, a whole window of deliveries when a link broke: half an hour with a fault each minute grew by 10 MiB.
And what an outage leaves is not to stay for long."""

_GENERATIONS = (0,) * 39 + (1,)
"""Which one is looked at in turn: what survived a look is looked at once more, within ten minutes."""


@contextmanager
def sparing() -> Iterator[None]:
    """
    Leave modules and schemas out of every look, and look seldom, until the end of the block. Not to be nested.

    To be entered when everything is built: 60,000 objects that stay for good.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def tidying(clock: Clock) -> None:
    """
    By the clock, until cancelled: look for cycles, young objects only, and give back what is free.

    A window that an outage filled leaves holes between tasks that came meanwhile, which glibc keeps: 24 such minutes at
    45,000 tasks left 311 MiB where 192 were in use. Giving them back takes 16 ms after 100 MB, and next to nothing
    where little was freed.
    """
    for generation in itertools.cycle(_GENERATIONS):
        await clock.sleep(TIDY_SECONDS)
        gc.collect(generation)
        _give_back()(0)


@functools.cache
def _give_back() -> Callable[[int], object]:
    """glibc's malloc_trim(3), which takes how many bytes to keep for later; what does nothing where libc is another."""
    import ctypes  # not at the top: 3 ms of the start, which does not need it

    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl, macOS; Windows knows no program of its own by None
        return lambda _: None
