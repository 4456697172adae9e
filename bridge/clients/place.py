"""What a log line may show of a broker's URL."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_NAME: Final = re.compile("[a-z]+(?:_[a-z]+)*")
"""What kombu, pika and ours are made of. A password of lower-case letters alone is one too: nobody can tell."""


def place(url: str) -> str:
    """Scheme, host, port and path of one or several URLs. User, password and query may be, or hold, a secret."""
    return ";".join(_place(one) for one in url.split(";"))


def holds_password(parts: SplitResult) -> bool:
    """
    Whether what stands behind the host is the rest of a password: an unquoted / or ? or # made it so. Then its
    beginning is where the host and the port should be.
    """
    names = (pair.partition("=")[0] for pair in parts.query.split("&"))
    return "@" in parts.path or bool(parts.fragment) or any("@" in name for name in names)


def parameter(name: str) -> str:
    """The name of a URL's parameter that nobody knows, if it looks like one; else it may be, or hold, a secret."""
    return name if _NAME.fullmatch(name) else "***"


def _place(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        host, parts = "", None
    if not mark or parts is None or holds_password(parts):
        return f"{scheme if mark else ''}://***"
    return f"{scheme}://{host}{parts.path}"
