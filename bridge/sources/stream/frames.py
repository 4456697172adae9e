"""The bytes that a server of the stream protocol sends, cut into frames. No I/O."""

import struct
from collections.abc import Generator

from bridge.errors import ConnectError

_HEAD = struct.Struct(">IHH")

MAX_FRAME_BYTES = 1024**3
"""A frame of more is none: a chunk holds a few hundred messages, and RabbitMQ takes none above 128 MiB (16 since 4.0).
The server does not hold itself to the frame size that was agreed on: its chunks are as large as they are."""

Frame = tuple[int, bytes]
"""Key, and payload behind the version."""


class Frames:
    """
    Takes bytes as they come, in any slices, and gives whole frames.

    What is not whole is kept as pieces and joined once, so that a chunk of many reads is not copied at each of them.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._wanted = _HEAD.size
        """Bytes that must be there before anything can be said."""

    def feed(self, data: bytes) -> Generator[Frame]:
        """
        The frames that these bytes complete, in order. To be exhausted, or closed, before the next call; closed, what
        is left comes with that one, which may bring no more bytes.

        Raises:
            ConnectError: they are no frames of this protocol.
        """
        if data:
            self._pieces.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        at, end = 0, len(data)
        self._wanted = _HEAD.size
        try:
            while at + _HEAD.size <= end:
                size, key, _version = _HEAD.unpack_from(data, at)
                if not 4 <= size <= MAX_FRAME_BYTES:
                    raise ConnectError("the server does not speak the stream protocol: is this a port for streams?")
                if at + 4 + size > end:
                    self._wanted = 4 + size
                    break
                start, at = at + 8, at + 4 + size
                yield key, data[start:at]
        finally:
            self._pieces = [data[at:]] if at < end else []
            self._held = end - at
