"""
Bodies of 8 MiB that were made to hurt, and what one of them costs.

    python -m tests.hostile NAME      prints events, failures, MiB of growth, seconds of CPU
"""

import resource
import sys
import time
import zlib
from collections.abc import Callable

from bridge.decode import MAX_BODY_BYTES, decode
from bridge.model import Delivery

_FULL = MAX_BODY_BYTES

BODIES: dict[str, Callable[[], bytes]] = {
    "nulls": lambda: b"[" + b"0," * (_FULL // 2 - 2) + b"0]",
    "lists": lambda: b"[" + b"[]," * (_FULL // 3 - 2) + b"[]]",
    "objects": lambda: b'{"type":"x","a":[' + b"{}," * (_FULL // 3 - 20) + b"{}]}",
    "digits": lambda: b'{"type":"x","a":' + b"9" * (_FULL - 20) + b"}",
    "digits as a name": lambda: b"{NaN:" + b"9" * (_FULL - 20) + b":0}",
    "digits and blanks": lambda: b"[NaN," + b"9 " * (_FULL // 2 - 20) + b"]",
    "integers": lambda: b'{"type":"x","a":[' + b"99999999999999999999," * (_FULL // 21 - 20) + b"0]}",
    "openers": lambda: b"[" * _FULL,
    "constants": lambda: b'{"type":"x","a":[' + b"NaN," * (_FULL // 4 - 20) + b"0]}",
    "names": lambda: b'{"type":"x"' + b"".join(b',"%d":0' % number for number in range(_FULL // 11)) + b"}",
    "quotes": lambda: b'{"type":"x","a":"' + b'\\"' * (_FULL // 2 - 20) + b'"}',
    "backslashes": lambda: b'["' + b"\\" * (_FULL - 2),
    "open string": lambda: b'["' + b'\\"' * (_FULL // 2 - 2),
    "open string of NaN": lambda: b'[NaN, "' + b'\\"' * (_FULL // 2 - 20),
    "surrogates": lambda: b'{"type":"x","a":"' + b"\\ud800" * (_FULL // 6 - 20) + b'"}',
    "strings": lambda: b'{"type":"x","b":NaN,"a":[' + b'"",' * (_FULL // 3 - 20) + b"0]}",
    "floats": lambda: b'{"type":"x","a":[' + b"1.1," * (_FULL // 4 - 20) + b"0]}",
    "bomb": lambda: zlib.compress(bytes(50 * _FULL), 9),
}


def main(name: str) -> None:
    body = BODIES[name]()
    assert len(body) <= MAX_BODY_BYTES, len(body)
    headers = {"compression": "zlib"} if name == "bomb" else {}
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    events, failures = decode(Delivery(body, "application/json", "utf-8", headers))
    spent, after = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        len(events), len(failures), (after - before) // 1024, f"{spent:.2f}", *(failure.reason for failure in failures)
    )


if __name__ == "__main__":
    main(sys.argv[1])
