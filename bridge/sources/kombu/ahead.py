"""Reading ahead of what py-amqp asks for."""

from collections.abc import Callable

_CHUNK_BYTES = 64 * 1024
"""Asked of the socket at a time: about 50 messages of RabbitMQ's, and more gained nothing when measured."""


class ReadAhead:
    """
    Takes the place of a socket's `recv` in py-amqp's transports, which ask for exactly what they need next: 7, n and 1
    bytes of each of a message's three frames, two system calls each. That was half the cost of a message.

    Not thread-safe: belongs to the thread that reads.

    Args:
        recv: the socket's own; what it raises is raised.
    """

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self._recv = recv
        self._held = b""
        self._at = 0

    @property
    def holds(self) -> bool:
        """Whether something can be had without asking the socket."""
        return self._at < len(self._held)

    def __call__(self, size: int) -> bytes:
        """As `socket.recv`: 1 to `size` bytes, waiting for the first; b"" when the other side is gone."""
        at = self._at
        if at == len(self._held):
            if size >= _CHUNK_BYTES:
                return self._recv(size)
            self._held, at = self._recv(_CHUNK_BYTES), 0
        taken = self._held[at : at + size]
        self._at = at + len(taken)
        return taken
