"""
The script that everyone writes: Celery's event receiver and State, one aiokafka send per event.

It follows Celery's guide ("Real-time processing", userguide/monitoring) and aiokafka's README, on a queue that keeps
everything. In its favour: one asyncio.Queue between the receiver's thread and Kafka, where
`asyncio.run_coroutine_threadsafe` would make a task of every event; `send`, which batches, where `send_and_wait` would
wait for each. It loses what it took and Kafka did not confirm when it dies, because Celery's receiver acknowledges
on delivery; it validates nothing, and one malformed message ends it.

    python -m tests.bench.rivals.script BROKER_URL BOOTSTRAP TOPIC QUEUE
"""

import asyncio
import json
import sys
import threading
from typing import Any

from aiokafka import AIOKafkaProducer
from celery import Celery


def receive(broker: str, queue: str, deliver: Any) -> None:
    """Capture events for ever, each with what the State knows of its task."""
    app: Any = Celery(broker=broker)
    app.conf.event_queue_durable, app.conf.event_queue_exclusive = True, False
    app.conf.event_queue_ttl = None
    app.conf.event_queue_expires = None
    app.conf.event_queue_prefix, node = queue.rsplit(".", 1)
    state = app.events.State()

    def on_event(event: dict[str, Any]) -> None:
        state.event(event)
        task = state.tasks.get(event.get("uuid"))
        if task is not None:
            event |= {"name": task.name, "state": task.state}
        deliver(event)

    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": on_event}, node_id=node)
        receiver.capture(limit=None, timeout=None, wakeup=False)


async def main(broker: str, bootstrap: str, topic: str, queue: str) -> None:
    """Send what the receiver's thread captures, in its order."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def deliver(event: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    threading.Thread(target=receive, args=(broker, queue, deliver), daemon=True).start()
    try:
        while True:
            event = await events.get()
            key = event.get("uuid") or event["hostname"]
            await producer.send(topic, json.dumps(event).encode(), key=key.encode())
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
