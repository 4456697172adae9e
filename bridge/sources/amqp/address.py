"""The URL of a RabbitMQ, taken apart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from bridge.clients.place import holds_password, parameter, place
from bridge.clients.tls import tls_context, tls_files
from bridge.errors import ConfigError
from bridge.sources.amqp.frames import MAX_FRAME_BYTES

CONNECT_SECONDS = 4.0
"""A server that accepts and says nothing is given up after this long."""

HEARTBEAT_SECONDS = 10
"""A dead connection is noticed within two of these. RabbitMQ recommends 5 to 20 s (rabbitmq.com/docs/heartbeats)."""

SCHEMES = ("amqp", "amqps")

_MIN_FRAME_BYTES = 4096  # AMQP 0-9-1, 4.2.3: every peer takes frames of this size
_MAX_FRAME_BYTES = 16 * 1024 * 1024
_MAX_CHANNELS = 2047  # RabbitMQ's own default; see `channels` for the least
_MECHANISMS = ("PLAIN", "AMQPLAIN", "EXTERNAL")
_LONGEST_AMQPLAIN = 127
"""Bytes of a user or password there: pamqp takes the response for text, and a length above is none."""
_RABBITMQ_NAMES = {"cacertfile": "ssl_ca_certs", "certfile": "ssl_certfile", "keyfile": "ssl_keyfile"}
"""RabbitMQ's own names for parameters of `clients.tls`, whose names are kombu's."""
_OURS = frozenset({"stream_port"})
"""Parameters of the URL that are for other sources of ours."""


@dataclass(frozen=True, slots=True)
class Address:
    """One broker, and how to enter it."""

    shown: str
    """Scheme, host, port and virtual host: nothing that is secret."""
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    mechanism: str = "PLAIN"
    """PLAIN, AMQPLAIN or EXTERNAL."""
    heartbeat_seconds: int = HEARTBEAT_SECONDS
    """What we propose; the broker may want a shorter one."""
    connect_seconds: float = CONNECT_SECONDS
    """For all of it: TCP, TLS, and the broker's welcome."""
    frame_bytes: int = MAX_FRAME_BYTES
    """The largest frame we propose; the broker may want a smaller one."""
    tls: Mapping[str, str] | None = None
    """The files of `clients.tls`; None: no TLS."""

    channels: int = _MAX_CHANNELS
    """The most channels we propose; the broker may want fewer. Two are in use at once, at most."""

    @property
    def response(self) -> bytes:
        """What SASL sends to say who we are; of EXTERNAL nothing, TLS has said it. Holds the password."""
        if self.mechanism == "EXTERNAL":
            return b""
        user, password = self.user.encode(), self.password.encode()
        if self.mechanism == "AMQPLAIN":  # a field table without its length (rabbit_auth_mechanism_amqplain)
            return b"".join(
                bytes([len(name)]) + name + b"S" + len(value).to_bytes(4, "big") + value
                for name, value in ((b"LOGIN", user), (b"PASSWORD", password))
            )
        return b"\0" + user + b"\0" + password

    @property
    def patience_seconds(self) -> float:
        """How long an answer of the broker may take: as long as a dead connection may stay unnoticed, or 10 s."""
        return float(min(10, 2 * self.heartbeat_seconds))


def addresses(url: str) -> list[Address]:
    """
    The brokers of a URL, to be tried in turn; alternatives are separated by `;`.

    `amqp[s]://user:password@host:port/vhost?parameters`, each part but the scheme may be missing: guest, guest,
    localhost, 5672 (5671 with TLS), `/`. Parameters, of RabbitMQ (rabbitmq.com/docs/uri-query-parameters):
    `heartbeat` (seconds), `connection_timeout` (milliseconds), `auth_mechanism` (or kombu's `login_method`: PLAIN,
    AMQPLAIN or EXTERNAL), `frame_max` (bytes), `channel_max`; and of `clients.tls`: `ssl_ca_certs`, `ssl_certfile`,
    `ssl_keyfile`, which RabbitMQ calls `cacertfile`, `certfile` and `keyfile`.

    Raises:
        ConfigError: it can never work, with all problems.
    """
    found: list[Address] = []
    problems: list[str] = []
    for one in filter(None, url.split(";")):
        try:
            found.append(_address(one))
        except ConfigError as error:
            problems += error.problems
    if problems or not found:
        raise ConfigError(problems or "broker URL: it is empty")
    return found


def _address(url: str) -> Address:
    scheme, shown = url.partition("://")[0], place(url)
    if scheme not in SCHEMES:
        raise ConfigError(f"broker URL {shown}: the scheme is not amqp or amqps")
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True)
        query = {_RABBITMQ_NAMES.get(name, name): value for name, value in given}
        host, port = parts.hostname or "localhost", parts.port
        if holds_password(parts):
            raise ValueError
    except ValueError:  # its words may hold a piece of the password
        raise ConfigError(
            f"broker URL {shown}: cannot be read; is the port a number, the password quoted (%2F)?"
        ) from None
    problems: list[str] = []
    numbers = {name: _number(problems, shown, query, name) for name in _NUMBERS}
    user, password = unquote(parts.username or "") or "guest", unquote(parts.password or "") or "guest"
    mechanism = _mechanism(problems, shown, query, max(len(user.encode()), len(password.encode())))
    known = {*_NUMBERS, *_OURS, "auth_mechanism", "login_method"}
    unknown = [parameter(name) for name in query if name not in known and name[:4] != "ssl_"]
    problems += [f"{shown}: unknown parameter {name}" for name in unknown]
    tls = _tls(problems, scheme, query, shown)
    if problems:
        raise ConfigError(problems)
    return Address(
        shown,
        host,
        port or (5672 if tls is None else 5671),
        user,
        password,
        unquote(parts.path[1:]) or "/",
        mechanism,
        numbers["heartbeat"],
        numbers["connection_timeout"] / 1000,
        numbers["frame_max"],
        tls,
        numbers["channel_max"],
    )


def _mechanism(problems: list[str], shown: str, query: Mapping[str, str], longest_bytes: int) -> str:
    mechanism = query.get("auth_mechanism", query.get("login_method", "PLAIN")).upper()
    if mechanism not in _MECHANISMS:
        problems.append(f"{shown}: auth_mechanism={mechanism}: it is PLAIN, AMQPLAIN or EXTERNAL")
    elif mechanism == "AMQPLAIN" and longest_bytes > _LONGEST_AMQPLAIN:
        problems.append(f"{shown}: auth_mechanism=AMQPLAIN: user and password are at most {_LONGEST_AMQPLAIN} bytes")
    return mechanism


_NUMBERS: Mapping[str, tuple[int, int, int, str]] = {
    "heartbeat": (HEARTBEAT_SECONDS, 1, 9999, "whole seconds, 1 to 9999 (none would hide a dead link)"),
    "connection_timeout": (int(CONNECT_SECONDS * 1000), 1, 600_000, "milliseconds, 1 to 600000"),
    "frame_max": (MAX_FRAME_BYTES, _MIN_FRAME_BYTES, _MAX_FRAME_BYTES, f"bytes, {_MIN_FRAME_BYTES} to 16777216"),
    "channel_max": (_MAX_CHANNELS, 2, 65535, "channels, 2 to 65535"),
}
"""Parameters that are whole numbers: default, least, most, and what to say."""


def _number(problems: list[str], shown: str, query: Mapping[str, str], name: str) -> int:
    default, least, most, words = _NUMBERS[name]
    text = query.get(name, str(default))
    if re.fullmatch(r"\d{1,9}", text, re.ASCII) and least <= int(text) <= most:
        return int(text)
    problems.append(f"{shown}: {name}={text}: {words}")
    return default


def _tls(problems: list[str], scheme: str, query: Mapping[str, str], shown: str) -> Mapping[str, str] | None:
    if scheme != "amqps" and not any(name.startswith("ssl_") for name in query):
        return None
    try:
        files = tls_files(query, shown)
        tls_context(files, shown)
    except ConfigError as error:
        problems += error.problems
        return None
    return files
