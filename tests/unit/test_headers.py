"""bridge.headers"""

import gc
import sys

import pytest
from aiokafka.record.util import decode_varint, encode_varint
from hypothesis import given
from hypothesis import strategies as st

from bridge import headers as module
from bridge.headers import pack, pairs, varint

NAMES = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_are_written_as_kafka_reads_them(number: int) -> None:
    """The same bytes as aiokafka's, the second time too."""
    expected = bytearray()
    encode_varint(number, expected.append)
    assert varint(number) == varint(number) == expected
    assert decode_varint(varint(number)) == (number, len(expected))


def test_numbers_kept_are_few() -> None:
    """Differences of times in a backlog are all different: kept, each takes 150 bytes for ever."""
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(100_000):
        varint(number)
    assert sys.getallocatedblocks() - before < module._SMALL + 100


@given(st.lists(st.tuples(NAMES, st.binary())))
def test_what_is_packed_can_be_told_again(headers: list[tuple[str, bytes]]) -> None:
    """Names, values, order and repetitions; pairs are given back as they are."""
    assert pairs(pack(headers)) == headers
    assert pairs(headers) is headers


@pytest.mark.parametrize("header", [("\ud800", b""), ("a", "text"), (b"a", b""), ("a", 5)])
def test_what_kafka_has_no_form_for_is_an_error(header: tuple[str, bytes]) -> None:
    """A lone surrogate in a name, a value that is no bytes."""
    with pytest.raises((TypeError, ValueError, AttributeError)):
        pack([header])
