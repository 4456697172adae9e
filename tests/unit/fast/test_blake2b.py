"""bridge/fast/blake2b.h, both ways of it: what runs depends on the processor."""

import ctypes
import os
import shlex
import shutil
import struct
import subprocess
import sysconfig
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pytest

import bridge.fast
from bridge.fast import plain

HEADER = Path(bridge.fast.__file__).with_name("blake2b.h")
EXPORTED = """
#include "blake2b.h"
void digest(uint8_t *into, size_t size, uint8_t *data, size_t length) { blake2b(into, size, data, length); }
"""
BLOCK, MARK = 128, b"\xaa" * 8

COMPILER = shlex.split(sysconfig.get_config_var("CC") or "cc")

Digest = Callable[[bytes, int], bytes]


@pytest.fixture(scope="module", params=[(), ("-D__builtin_cpu_supports(name)=0",)], ids=["processor's", "plain"])
def digest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Digest:
    """Compiled as the bridge does, and as if the processor could do nothing special."""
    if shutil.which(COMPILER[0]) is None:
        pytest.skip("no compiler here")
    library = tmp_path_factory.mktemp("blake2b") / "blake2b.so"
    options = ["-O2", "-fPIC", "-shared", "-Wall", "-Werror", f"-I{HEADER.parent}", *request.param]
    subprocess.run([*COMPILER, *options, "-x", "c", "-", "-o", library], input=EXPORTED, text=True, check=True)
    function = ctypes.CDLL(str(library)).digest
    function.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    function.restype = None

    def made(data: bytes, size: int) -> bytes:
        room = ctypes.create_string_buffer(data + b"\xff" * BLOCK + MARK)
        into = ctypes.create_string_buffer(b"\xff" * size + MARK)
        function(into, size, room, len(data))
        assert into.raw[size:] == MARK + b"\0"
        assert room.raw == data + bytes(BLOCK) + MARK + b"\0"
        return into.raw[:size]

    return made


def test_it_is_blake2b(digest: Digest) -> None:
    """For every length up to four blocks and beyond, as hashlib has it; nothing is written beyond its room."""
    for length in (*range(4 * BLOCK + 2), 1023, 1024):
        data = os.urandom(length)
        assert digest(data, 10) == blake2b(data, digest_size=10).digest()


def test_digests_have_any_size(digest: Digest) -> None:
    """The size is hashed too."""
    for size in range(1, 65):
        assert digest(b"abc", size) == blake2b(b"abc", digest_size=size).digest()


@pytest.mark.skipif(bridge.fast.identity is plain.identity, reason="nothing is compiled here")
@pytest.mark.parametrize("size", [1, 70, 101, 102, 103, 104, 105, 129, 230, 231, 232, 233, 400, 900, 997])
def test_blocks_of_the_hash_end_where_they_should(size: int) -> None:
    """Of an id, up to the longest that there is room for: the last block is told apart."""
    event = {"timestamp": 1795178800.25, "pid": 7, "clock": 9, "type": "t" * size, "hostname": "h"}
    data = struct.pack(">qqq", 1795178800250000, 7, 9) + b"t" * size + b"\nh\n"
    found = bridge.fast.identity(event)
    assert found is not None
    assert found[0][-12:] == blake2b(data, digest_size=10).hexdigest()[-12:]
