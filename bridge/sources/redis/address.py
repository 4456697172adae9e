"""A Redis URL, taken apart: whom to ask, as whom, for which channel, and what a log line may show."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bridge.clients.place import holds_password, parameter, place
from bridge.clients.tls import PARAMETERS as TLS_PARAMETERS
from bridge.clients.tls import tls_context, tls_files
from bridge.config.nearest import did_you_mean
from bridge.errors import ConfigError
from bridge.sources.redis.channel import Channel, channel

PING_SECONDS = 2.5
"""Between two signs of life that we ask for; four times without any is a dead connection, after 10 to 12.5 s."""

CLIENT_NAME = "celery-bridge"
"""What `CLIENT LIST` shows."""

T = TypeVar("T")

_PORT = 6379
_SENTINEL_PORT = 26379

_OURS = ("buffer_bytes", "client_name", "health_check_interval", "protocol")
_CHANNEL = ("fanout_patterns", "fanout_prefix", "global_keyprefix")
_SENTINEL = ("master_name", "sentinel_password", "sentinel_ssl", "sentinel_username")
_OF_WORKERS = (
    *("ack_emulation", "max_connections", "min_other_sentinels", "polling_interval", "priority_steps"),
    *("queue_order_strategy", "retry_on_timeout", "sep", "socket_connect_timeout", "socket_keepalive"),
    *("socket_keepalive_options", "socket_timeout", "unacked_index_key", "unacked_key", "unacked_mutex_expire"),
    *("unacked_mutex_key", "unacked_restore_interval", "unacked_restore_limit", "unacked_restore_throttle"),
    *("visibility_timeout",),
)
"""Transport options of kombu's that mean nothing to who only listens: accepted, because one URL serves both."""

_KNOWN = (*_OURS, *_CHANNEL, *_SENTINEL, *_OF_WORKERS, *TLS_PARAMETERS, "virtual_host")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens: a host and port, or the path of a socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are. Without a user name it is the default user's password; without both nothing is said."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """One server, or the sentinels that know which one it is."""

    shown: str
    """Scheme, hosts, ports and database: nothing that is secret."""
    places: tuple[Place, ...]
    """The server; with a `master_name` the sentinels."""
    channel: Channel
    database: int = 0
    login: Login = Login()
    tls: Mapping[str, str] | None = None
    """The files of `clients.tls`; None: no TLS."""
    master_name: str | None = None
    sentinel_login: Login = Login()
    sentinel_tls: Mapping[str, str] | None = None
    client_name: str = CLIENT_NAME
    ping_seconds: float = PING_SECONDS
    protocol: int = 3
    """Of RESP, at most: a server that speaks 2 only is spoken to in 2."""
    buffer_bytes: int | None = None
    """What is held of events that nobody has read; None: as the source sees fit."""


def addresses(url: str) -> list[Address]:
    """
    The servers of a URL, to be tried in turn: kombu separates alternatives by `;`. Sentinels are one address, whose
    user, password and database are the first one's, as with kombu.

    Parameters are those of kombu's transport, and: `sentinel_username`, `sentinel_password` and `sentinel_ssl` (kombu
    takes them in `sentinel_kwargs`, which no URL can hold), `protocol` (2 or 3), `buffer_bytes`.

    Raises:
        ConfigError: it can never work, with every problem.
    """
    urls = [part for part in url.split(";") if part]
    if not urls:
        raise ConfigError("broker URL: it is empty")
    if urls[0].lower().startswith("sentinel:"):
        return [_Reading(urls).address()]
    return [_Reading([one]).address() for one in urls]


class _Reading:
    """Reads the parts of one address and collects what is wrong with them."""

    def __init__(self, urls: list[str]) -> None:
        self.shown = place(";".join(urls))
        try:
            self.parts = [urlsplit(url) for url in urls]
            for part in self.parts:
                part.port  # noqa: B018 - raises when it is none
        except ValueError:  # its words may hold a piece of the password
            raise self._unreadable() from None
        if any(holds_password(part) for part in self.parts):
            raise self._unreadable()
        self.query = {k: v for part in self.parts for k, v in parse_qsl(part.query, keep_blank_values=True)}
        self.scheme = self.parts[0].scheme
        self.problems: list[str] = []

    def _unreadable(self) -> ConfigError:
        return ConfigError(f"broker URL {self.shown}: cannot be read; is the port a number, the password quoted (%2F)?")

    def address(self) -> Address:
        first, query = self.parts[0], self.query
        by_sentinel, by_path = self.scheme == "sentinel", self.scheme.endswith("+socket")
        self._check_names(by_sentinel=by_sentinel)
        database = self._database(query.get("virtual_host", "") if by_path else unquote(first.path))
        secure = self.scheme == "rediss" or any(name in TLS_PARAMETERS for name in query)
        files = self._collect(self._tls) if secure and not by_path else None
        found = Address(
            shown=self.shown,
            places=tuple(_listening(part, _SENTINEL_PORT if by_sentinel else _PORT) for part in self.parts),
            channel=self._collect(lambda: _channel(query, database)) or Channel(""),
            database=database,
            login=Login(_unquoted(first.username), _unquoted(first.password)),
            tls=files,
            master_name=query.get("master_name") if by_sentinel else None,
            sentinel_login=Login(query.get("sentinel_username"), query.get("sentinel_password")),
            sentinel_tls=files if _true(query.get("sentinel_ssl", "")) else None,
            client_name=self._matching("client_name", r"[!-~]+", CLIENT_NAME, "printable ASCII without spaces"),
            # 0 switches kombu's checks off, which would hide a dead link
            ping_seconds=float(self._matching("health_check_interval", r"\d{1,6}(\.\d+)?", "0", "seconds"))
            or PING_SECONDS,
            protocol=int(self._matching("protocol", "[23]", "3", "2 or 3")),
            buffer_bytes=int(self._matching("buffer_bytes", r"\d{1,15}", "0", "a number of bytes")) or None,
        )
        if self.problems:
            raise ConfigError([f"broker URL {self.shown}: {problem}" for problem in self.problems])
        return found

    def _check_names(self, *, by_sentinel: bool) -> None:
        self.problems += [
            f"unknown parameter {parameter(name)}{did_you_mean(name, _KNOWN)}"
            for name in self.query
            if name not in _KNOWN
        ]
        if by_sentinel and not self.query.get("master_name"):
            self.problems.append("sentinels need ?master_name=, the name under which they know the master")
        if len({part.scheme for part in self.parts}) > 1:
            self.problems.append("sentinels and servers cannot be alternatives of each other")

    def _tls(self) -> Mapping[str, str]:
        """The files that are named, each of use now."""
        query = {name: self.query[name] for name in TLS_PARAMETERS if name in self.query}
        try:
            files = tls_files(query, self.shown)
            tls_context(files, self.shown)
        except ConfigError as error:
            raise ConfigError([problem.removeprefix(f"{self.shown}: ") for problem in error.problems]) from None
        return files

    def _database(self, text: str) -> int:
        text = text.removeprefix("/") or "0"
        if re.fullmatch(r"\d{1,9}", text, re.ASCII):
            return int(text)
        self.problems.append(f"the database {text!r} is no number")
        return 0

    def _matching(self, name: str, pattern: str, default: str, rule: str) -> str:
        text = self.query.get(name, default)
        if re.fullmatch(pattern, text, re.ASCII):
            return text
        self.problems.append(f"{name}={text}: it is {rule}")
        return default

    def _collect(self, make: Callable[[], T]) -> T | None:
        """What `make` gives; None when it is a ConfigError, whose problems are noted."""
        try:
            return make()
        except ConfigError as error:
            self.problems += error.problems
            return None


def _channel(query: Mapping[str, str], database: int) -> Channel:
    prefix = query.get("fanout_prefix", "true")
    return channel(
        database,
        global_keyprefix=query.get("global_keyprefix", ""),
        fanout_prefix=_true(prefix) if prefix.lower() in ("true", "false", "1", "0", "") else prefix,
        fanout_patterns=_true(query.get("fanout_patterns", "true")),
    )


def _true(text: str) -> bool:
    """As kombu's options are typed: what is not empty, 0 or false is true."""
    return text.lower() not in ("", "0", "false")


def _listening(part: SplitResult, port: int) -> Place:
    if part.scheme.endswith("+socket"):
        return Place(path=unquote(part.path))
    return Place(unquote(part.hostname or "") or "127.0.0.1", part.port or port)


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None
