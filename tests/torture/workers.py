"""Workers that keep their own account of what Redis took from them."""

import base64
import contextlib
import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
from redis import Redis, RedisError


class Simulated:
    """
    A worker that does a task every millisecond or two and counts it, in a thread. As Celery's, it keeps what it cannot
    send and sends it later.

    Args:
        number: makes its name and pid.
        port: of the server.
        pause_seconds: from one task to the next.
    """

    CLOCKS = 10_000_000
    """Each worker's are its number times this, and on."""

    def __init__(self, number: int, port: int, *, pause_seconds: float = 0.001) -> None:
        self._base = {"hostname": f"w{number}", "pid": 100 + number, "utcoffset": 0}
        self._client: Any = Redis(port=port, socket_timeout=2, socket_connect_timeout=2)
        self._clocks = count(number * self.CLOCKS)
        self._unsent: list[list[dict[str, Any]]] = []
        self.accepted: dict[int, float] = {}
        """Clock of each event that Redis took -> when."""
        self._pause_seconds = pause_seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """It works while the block runs; its last heartbeats are sent at the end."""
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def _run(self) -> None:
        processed, beats_at = 0, 0.0
        while not self._end.wait(self._pause_seconds):
            self._task()
            processed += 1
            if time.monotonic() >= beats_at:
                self._beat(processed)
                beats_at = time.monotonic() + 0.2
        self._beat(processed)
        self._beat(processed)
        self._client.close()

    def _task(self) -> None:
        uuid = str(uuid4())
        about: dict[str, Any] = {"name": "a", "args": "()", "kwargs": "{}", "retries": 0, "eta": None, "expires": None}
        self._send([self._event("task-received", uuid=uuid, root_id=uuid, parent_id=None, **about)])
        self._send(
            [
                self._event("task-started", uuid=uuid),
                self._event("task-succeeded", uuid=uuid, result="1", runtime=0.1),
            ]
        )

    def _beat(self, processed: int) -> None:
        counts = {"freq": 0.2, "active": 1, "processed": processed, "loadavg": [0.1, 0.1, 0.1]}
        software = {"sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"}
        self._send([self._event("worker-heartbeat", **counts, **software)])

    def _event(self, type_: str, **fields: Any) -> dict[str, Any]:
        return {"type": type_, "clock": next(self._clocks), "timestamp": time.time(), **self._base, **fields}

    def _send(self, events: list[dict[str, Any]]) -> None:
        self._unsent.append(events)
        with contextlib.suppress(RedisError, OSError):
            while self._unsent:
                body = base64.b64encode(orjson.dumps(self._unsent[0])).decode()
                at = time.time()
                envelope = {"body": body, "content-type": "application/json", "properties": {"body_encoding": "base64"}}
                self._client.publish("/0.celeryev/task.multi", orjson.dumps(envelope))
                self.accepted |= {event["clock"]: at for event in self._unsent.pop(0)}
