"""A process that writes numbered records exactly once, from where its predecessor got to; made to be killed."""

import asyncio
import sys

import structlog

from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from tests.integration.sending import dead_letter, numbered

RECORDS_A_SEND = 20


async def main(bootstrap: str, topic: str, transactional_id: str, last: int) -> None:
    """Send the records up to number `last`; prints where it begins, and each number up to which all is confirmed."""
    async with KafkaSink([bootstrap], topic, dead_letter=dead_letter, transactional_id=transactional_id) as sink:
        done = int(await sink.resume() or 0)
        print(done, flush=True)
        waiting: list[tuple[int, asyncio.Future[None]]] = []
        while done < last or waiting:
            while done < last and len(waiting) < 4:
                records: list[Record] = numbered(done + 1, min(last, done + RECORDS_A_SEND), keys=40)
                done += len(records)
                confirmation = await sink.send(records, b"%d" % done)
                waiting.append((done, asyncio.ensure_future(confirmation)))
            number, first = waiting.pop(0)
            await first
            print(number, flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
