"""
A bridge's reading half as a process: prints the bodies of a group, one a line, and settles them. Not a test.

    python -m tests.integration.quorum_reader URL GROUP

Of poison it only says so.
"""

import asyncio
import sys

import structlog

from bridge.model import Delivery, Poison
from bridge.sources.amqp import AmqpSource


async def main(url: str, group: str) -> None:
    """Read until killed. What is printed is settled only afterwards, as a chain does it."""
    async with AmqpSource(url, group=group) as source:
        await source.start(None)
        while True:
            deliveries = [item for item in await source.read() if isinstance(item, Delivery)]
            for delivery in deliveries:
                said = "poison" if isinstance(delivery, Poison) else delivery.body.decode()
                sys.stdout.write(f"{said}\n")  # in one piece: print makes two of it where stdout is not buffered
                sys.stdout.flush()
            source.settle(deliveries)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(*sys.argv[1:]))
