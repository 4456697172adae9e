"""What of a dead letter is to be sent again: exactly the events that failed."""

import re

from bridge.decode.body import utf8
from bridge.letters.letter import Letter
from bridge.model import Delivery, Failure

# A JSON string as a whole (see decode.text), or what opens, closes or parts.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([\[{])|([\]}])|(,)', re.DOTALL)


def remainder(letter: Letter) -> Delivery:
    """
    The delivery again, or where single events of its list failed, these alone: their own bytes, in a list.

    A compressed list comes unpacked, in UTF-8. The letter is whole (`Letter.is_whole`). Raises nothing.
    """
    delivery = letter.delivery
    if not letter.indexes:
        return delivery
    text = utf8(delivery)
    if isinstance(text, Failure) or text.lstrip()[:1] != b"[":
        return delivery  # fails again, or is the single event that failed
    events = elements(text)
    failed = [events[index] for index in letter.indexes if index < len(events)]
    if not failed:
        return delivery
    headers = {name: value for name, value in delivery.headers.items() if name != "compression"}
    body = b"[" + b",".join(failed) + b"]"
    return Delivery(
        body, "application/json", "utf-8", headers, delivery.routing_key, delivery.redelivered, delivery.received_at
    )


def elements(text: bytes) -> list[bytes]:
    """
    The elements of a JSON list, each as it is written, without the blanks around it.

    Args:
        text: a list that is JSON, or what Python writes for JSON, in UTF-8; of anything else the result is some bytes.
    """
    depth, start = 0, 0
    found: list[bytes] = []
    for match in _TOKEN.finditer(text):
        if match[1]:
            depth += 1
            if depth == 1:
                start = match.end()
        elif match[2]:
            depth -= 1
            if depth == 0:
                last = text[start : match.start()].strip()
                return [*found, last] if found or last else []
        elif match[3] and depth == 1:
            found.append(text[start : match.start()].strip())
            start = match.end()
    return found
