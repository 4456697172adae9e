"""What must never be shown: which names hold secrets, how a URL is masked, and values that mask themselves."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MASK = "***"
"""What stands for a secret. A configuration that holds it as a value is refused: it was copied from a masked print."""

SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9.+_-]*)://")

_SECRET_NAME = re.compile(
    r"passw|secret|token(?!\.endpoint)|jaas|credential|api.?key|key\.pem|keystore\.key|private", re.IGNORECASE
)

# From the first colon behind the scheme to the last @: user and password may hold an unquoted @, / or colon, and
# masking too much of a malformed URL is better than showing the rest of its password.
_PASSWORD = re.compile(
    r"(?P<head>^[A-Za-z][A-Za-z0-9.+-]*://[^:]*|^(?![A-Za-z][A-Za-z0-9.+-]*://)[^:]*):(?P<secret>.*)@", re.DOTALL
)
_QUERY_VALUE = re.compile(r"(?P<name>[^?&;=]+)=(?P<value>[^&;]*)")
# Several servers of one broker stand in one URL, apart by semicolons, each with its own scheme (kombu's way).
_SERVERS = re.compile(r";(?=[A-Za-z][A-Za-z0-9.+-]*://)")


def is_secret(name: str) -> bool:
    """Whether a property or URL parameter of this name holds what must not be shown."""
    return bool(_SECRET_NAME.search(name))


def masked_url(text: str) -> str:
    """The URL with each password, and each query parameter that sounds like a secret, replaced by `***`."""
    return ";".join(_masked_server(server) for server in _SERVERS.split(text))


def holds_mask(text: str) -> bool:
    """Whether a secret of this URL is the mask itself: it was copied from a masked print."""
    return MASK in text and masked_url(text.replace(MASK, "x")) != text.replace(MASK, "x") and masked_url(text) == text


def _masked_server(text: str) -> str:
    text = _PASSWORD.sub(lambda match: f"{match['head']}:{MASK}@" if match["secret"] else match[0], text, count=1)
    address, mark, query = text.partition("?")
    return address + mark + _QUERY_VALUE.sub(_masked_parameter, query)


def _masked_parameter(match: re.Match[str]) -> str:
    return f"{match['name']}={MASK}" if is_secret(match["name"]) else match[0]


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A URL, or a path, or `-`, of which `str`, `repr`, logs and tracebacks show the masked form."""

    value: str
    """The whole of it, secrets too: for whoever connects, and for nobody else."""

    @property
    def masked(self) -> str:
        """The same with its secrets as `***`."""
        return masked_url(self.value)

    @property
    def scheme(self) -> str:
        """In lower case, `kombu+` and all; empty when this is a path."""
        match = SCHEME.match(self.value)
        return match[1].lower() if match else ""

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Url({self.masked!r})"


class Properties(Mapping[str, str]):
    """An unchanging mapping of names to values whose `repr` masks what is secret by its name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    @property
    def masked(self) -> dict[str, str]:
        """The same with its secrets as `***`."""
        return {name: MASK if is_secret(name) else value for name, value in self._values.items()}

    def __repr__(self) -> str:
        return f"Properties({self.masked!r})"
