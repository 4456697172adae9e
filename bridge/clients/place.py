"""What a log line may show of a broker's URL."""

from urllib.parse import urlsplit


def place(url: str) -> str:
    """Scheme, host, port and path of one or several URLs. User, password and query may be, or hold, a secret."""
    return ";".join(_place(one) for one in url.split(";"))


def _place(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        host, parts = "", None
    if not mark or parts is None or "@" in parts.path:  # an unquoted / in a password makes it part of the path
        return f"{scheme if mark else ''}://***"
    return f"{scheme}://{host}{parts.path}"
