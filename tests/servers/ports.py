"""Free ports for servers that tests start."""

import contextlib
import random
import socket
import threading

# Linux gives outgoing connections ports from 32768 on: one from below stays free while a server that owns it is down.
_FIRST, _LAST = 20000, 31999

_given: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """One port of 127.0.0.1 that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """
    `count` different ports of 127.0.0.1 that nobody listens on, in random order.

    None is given twice by one test process, so a server may be stopped and started again on its own. They lie below the
    range of outgoing connections, else one of those could take the port while its server is down.

    Raises:
        RuntimeError: there are not so many left.
    """
    ports: list[int] = []
    with _lock:
        for port in random.sample(range(_FIRST, _LAST + 1), _LAST + 1 - _FIRST):
            if len(ports) == count:
                break
            if port not in _given and _is_free(port):
                ports.append(port)
        _given.update(ports)
    if len(ports) < count:
        raise RuntimeError(f"no {count} free ports between {_FIRST} and {_LAST}")
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
