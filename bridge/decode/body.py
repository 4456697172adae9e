"""From a broker message's bytes to JSON text in UTF-8: what it is, how it is packed, how it is written."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol

from bridge.model import Delivery, Failure

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a body, as sent and after inflating. The largest event seen from real workers has 120,745 (a traceback)."""

# The charset names that senders use, and Python's codec for each. None: UTF-8 already, and the JSON parser checks it.
# Nothing else is looked up: Python calls zlib, bz2, hex and rot13 "encodings" too, and kombu runs those for any sender.
_CODECS: dict[str, str | None] = {
    "": None,
    "binary": None,
    "utf-8": None,
    "utf8": None,
    "us-ascii": "ascii",
    "ascii": "ascii",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32-le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "utf-32-be": "utf-32-be",
}
# Content encodings that say nothing about the charset, so that the content type's own `charset=` may.
_SILENT = frozenset({"", "binary"})

# A .xz of preset 9 asks for a dictionary of 64 MiB plus a little; its pages are touched only as far as the output goes.
_LZMA_MEMORY = 80 * 1024 * 1024
# zlib's window bits: the largest window (15), plus 32 to tell the zlib and the gzip header apart by themselves.
_ZLIB_OR_GZIP = 15 + 32

JSON_TYPES: Final[frozenset[str | None]] = frozenset({"application/json", "", None})
UTF8_CHARSETS: Final[frozenset[str | None]] = frozenset({"utf-8", "UTF-8", "binary", "", None})
"""A message with one of each, and no compression, is UTF-8 JSON as it is: nearly all are."""


class _Inflater(Protocol):
    """What zlib, bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# kombu's names (kombu/compression.py); its "gzip" is zlib's format. Real gzip is read too: other producers send it.
_INFLATERS: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(("application/x-gzip", "gzip", "zlib"), lambda: zlib.decompressobj(_ZLIB_OR_GZIP)),
    **dict.fromkeys(("application/x-bz2", "bzip2", "bzip"), bz2.BZ2Decompressor),
    **dict.fromkeys(
        ("application/x-lzma", "lzma", "xz"), lambda: lzma.LZMADecompressor(lzma.FORMAT_AUTO, _LZMA_MEMORY)
    ),
}


def utf8(delivery: Delivery) -> bytes | Failure:
    """
    The delivery's body as UTF-8 JSON text, not parsed yet; where it cannot be had, the reason.

    Memory is bounded by MAX_BODY_BYTES twice over, whatever the body claims. Raises nothing.

    Returns:
        Failure `content-type`: not JSON, or a charset or compression that is not accepted. `too-large`: the bytes, or
        the inflated bytes. `decode`: corrupt compression, or bytes that are not of the charset named.
    """
    codec = _codec(delivery.content_type, delivery.content_encoding)
    if isinstance(codec, Failure):
        return codec
    body = delivery.body
    if len(body) > MAX_BODY_BYTES:
        return Failure("too-large", f"the body has {len(body)} bytes, {MAX_BODY_BYTES} are accepted")
    compression = delivery.headers.get("compression")
    if compression:
        inflated = _inflate(body, compression)
        if isinstance(inflated, Failure):
            return inflated
        body = inflated
    if codec is None:
        return body
    try:
        return body.decode(codec).encode()
    except UnicodeError:
        return Failure("decode", f"the body is not {codec}")


def _codec(content_type: str | None, content_encoding: str | None) -> str | Failure | None:
    """Python's codec for the text, None for UTF-8, or why it is not accepted."""
    kind, _, parameters = (content_type or "").partition(";")
    if kind.strip().lower() not in ("", "application/json"):
        return Failure("content-type", "the content type is not application/json")
    charset = (content_encoding or "").strip().lower().replace("_", "-")
    if charset in _SILENT:
        charset = _charset(parameters)
    if charset not in _CODECS:
        return Failure("content-type", "the charset is none of utf-8, us-ascii, latin-1, utf-16, utf-32")
    return _CODECS[charset]


def _charset(parameters: str) -> str:
    """The value of `charset` among a content type's parameters, in lower case; empty when there is none."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower().replace("_", "-")
    return ""


def _inflate(body: bytes, compression: object) -> bytes | Failure:
    """Take the compression off, up to the limit and no further."""
    make = _INFLATERS.get(compression.strip().lower()) if isinstance(compression, str) else None
    if make is None:
        return Failure("content-type", "the compression is none of gzip, bzip2, lzma")
    inflater: _Inflater = make()
    try:
        inflated = inflater.decompress(body, MAX_BODY_BYTES + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        return Failure("decode", "the body is not of the compression that its header names")
    if len(inflated) > MAX_BODY_BYTES:
        return Failure("too-large", f"the inflated body has more than {MAX_BODY_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        return Failure("decode", "the compressed body is cut off or has bytes after its end")
    return inflated
