"""From bytes as sent to JSON text in UTF-8."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import kombu.compression
import pytest

from bridge.decode.body import JSON_TYPES, MAX_BODY_BYTES, UTF8_CHARSETS, utf8
from bridge.model import Delivery, Failure

TEXT = '{"type": "zażółć"}'
ASCII = b'{"type": "x"}'


def reason(delivery: Delivery) -> str:
    failure = utf8(delivery)
    assert isinstance(failure, Failure), failure
    assert failure.index is None
    return failure.reason


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "Application/JSON", " application/json ; a=b", "application/json; charset=utf-8"],
)
def test_json_and_absent_content_types_are_read(content_type: str | None) -> None:
    """JSON is read whatever the case and the parameters, and is what an absent content type means."""
    assert utf8(Delivery(ASCII, content_type, "utf-8")) == ASCII


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-python-serialize",
        "application/x-yaml",
        "application/x-msgpack",
        "application/data",
        "text/plain",
        "application/jsonp",
        "application/json, application/x-python-serialize",
    ],
)
def test_everything_else_is_refused_unread(content_type: str) -> None:
    """pickle, yaml, msgpack and unknown types are refused by their name alone."""
    assert reason(Delivery(b"cos\nsystem\n(S'false'\ntR.", content_type, "binary")) == "content-type"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        (None, "utf-8"),
        ("", "utf-8"),
        ("binary", "utf-8"),
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("utf_8", "utf-8"),
        ("utf-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("utf_32_le", "utf-32-le"),
        ("utf-32be", "utf-32-be"),
    ],
)
def test_charset_of_content_encoding_is_read(charset: str | None, codec: str) -> None:
    """kombu says the charset in content_encoding; whatever it is, the text comes out in UTF-8."""
    assert utf8(Delivery(TEXT.encode(codec), "application/json", charset)) == TEXT.encode()


@pytest.mark.parametrize("charset", ["latin-1", "ISO-8859-1", "latin1"])
def test_latin_1_is_read(charset: str) -> None:
    """Every byte is a character of Latin-1."""
    assert utf8(Delivery('{"type": "é"}'.encode("latin-1"), None, charset)) == '{"type": "é"}'.encode()


@pytest.mark.parametrize("charset", ["us-ascii", "ASCII"])
def test_ascii_is_ascii(charset: str) -> None:
    """What calls itself ASCII and is not is no text."""
    assert utf8(Delivery(ASCII, None, charset)) == ASCII
    assert reason(Delivery(TEXT.encode(), None, charset)) == "decode"


@pytest.mark.parametrize(
    "charset",
    [
        "zlib",
        "bz2",
        "hex",
        "base64",
        "rot13",
        "uu",
        "punycode",
        "idna",
        "unicode-escape",
        "utf-7",
        "gzip",
        "cp037",
        "x",
    ],
)
def test_codecs_that_python_has_besides_are_refused(charset: str) -> None:
    """Python runs inflaters and worse under names of charsets; none of them is ever looked up."""
    assert reason(Delivery(zlib.compress(ASCII), "application/json", charset)) == "content-type"


def test_charset_parameter_is_honoured_where_the_encoding_is_silent() -> None:
    """`charset=` counts when content_encoding names no charset; else that does, as for kombu."""
    body = TEXT.encode("utf-16")
    assert utf8(Delivery(body, 'application/json; charset="UTF-16"', None)) == TEXT.encode()
    assert utf8(Delivery(body, "application/json;a=b;Charset=utf-16", "binary")) == TEXT.encode()
    assert utf8(Delivery(TEXT.encode(), "application/json; charset=utf-16", "utf-8")) == TEXT.encode()
    assert reason(Delivery(ASCII, "application/json; charset=zlib", None)) == "content-type"


@pytest.mark.parametrize(("codec", "body"), [("utf-16", b"{"), ("utf-16-le", b"\x00\xd8\x00\x00"), ("utf-32", b"abc")])
def test_bytes_that_are_not_of_their_charset_are_no_text(codec: str, body: bytes) -> None:
    """Half characters and lone surrogates are refused, not replaced: the parser would see another text."""
    assert reason(Delivery(body, None, codec)) == "decode"


@pytest.mark.parametrize(
    "name", [name for name in kombu.compression._aliases if name not in ("zstd", "zstandard", "brotli")]
)
def test_what_kombu_compresses_is_inflated(name: str) -> None:
    """Each of kombu's compressors that Python itself can undo, by its alias and by its content type."""
    packed, content_type = kombu.compression.compress(ASCII, name)
    assert utf8(Delivery(packed, None, None, {"compression": name})) == ASCII
    assert utf8(Delivery(packed, None, None, {"compression": content_type.upper()})) == ASCII


def test_real_gzip_is_inflated() -> None:
    """kombu's gzip is zlib's format; the real one is read under the same name."""
    assert utf8(Delivery(gzip.compress(ASCII), None, None, {"compression": "gzip"})) == ASCII


@pytest.mark.parametrize("preset", range(10))
def test_every_lzma_preset_is_inflated(preset: int) -> None:
    """The memory bound leaves room for the dictionary of preset 9."""
    assert utf8(Delivery(lzma.compress(ASCII, preset=preset), None, None, {"compression": "xz"})) == ASCII


@pytest.mark.parametrize("name", ["application/zstd", "brotli", "snappy", "x", 5, b"gzip", ["gzip"], {"a": 1}])
def test_unknown_compression_is_refused(name: object) -> None:
    """A compression that is not accepted, or no name at all, is refused before anything is inflated."""
    assert reason(Delivery(ASCII, None, None, {"compression": name})) == "content-type"


@pytest.mark.parametrize("name", ["", None])
def test_empty_compression_is_none(name: object) -> None:
    """kombu takes an empty header for no compression."""
    assert utf8(Delivery(ASCII, None, None, {"compression": name})) == ASCII


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {"gzip": zlib.compress, "bzip2": bz2.compress, "lzma": lzma.compress}


@pytest.mark.parametrize("name", COMPRESSORS)
def test_corrupt_compression_is_no_text(name: str) -> None:
    """Garbage, a cut end and bytes after the end are refused."""
    packed = COMPRESSORS[name](ASCII)
    for body in (ASCII, b"", packed[:-1], packed[:10], packed + b"x", packed + packed):
        assert reason(Delivery(body, None, None, {"compression": name})) == "decode"


@pytest.mark.parametrize("name", COMPRESSORS)
def test_inflating_stops_at_the_limit(name: str) -> None:
    """A body of exactly the limit passes, one more byte does not, and a bomb is not inflated past it."""
    fits = b" " * MAX_BODY_BYTES
    assert utf8(Delivery(COMPRESSORS[name](fits), None, None, {"compression": name})) == fits
    assert reason(Delivery(COMPRESSORS[name](fits + b" "), None, None, {"compression": name})) == "too-large"
    bomb = COMPRESSORS[name](bytes(8 * MAX_BODY_BYTES))
    assert reason(Delivery(bomb, None, None, {"compression": name})) == "too-large"


def test_body_above_the_limit_is_refused() -> None:
    """The bytes as sent have the same limit; what they claim to be is asked first."""
    assert utf8(Delivery(b" " * MAX_BODY_BYTES)) == b" " * MAX_BODY_BYTES
    assert reason(Delivery(b" " * (MAX_BODY_BYTES + 1))) == "too-large"
    assert reason(Delivery(b" " * (MAX_BODY_BYTES + 1), "application/x-yaml")) == "content-type"


def test_plain_names_are_read_as_they_are() -> None:
    """What decode takes for UTF-8 JSON at a glance is what `utf8` hands back untouched."""
    for content_type in JSON_TYPES:
        for charset in UTF8_CHARSETS:
            assert utf8(Delivery(b"\xff", content_type, charset)) == b"\xff"
