"""A broker's URL, taken apart: what kombu is given, and what a log line may show."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kombu.connection import Connection
from kombu.transport import TRANSPORT_ALIASES, get_transport_cls
from kombu.transport.pyamqp import Transport as PyamqpTransport
from kombu.transport.virtual import Transport as VirtualTransport
from kombu.utils.url import parse_url

from bridge.clients.place import holds_password, parameter, place
from bridge.clients.tls import tls_files
from bridge.errors import ConfigError

CONNECT_SECONDS = 4.0
"""A server that accepts and says nothing is given up after this long; below the 5 s that closing may take."""

HEARTBEAT_SECONDS = 10
"""A dead connection is noticed within two of these. RabbitMQ recommends 5 to 20 s (rabbitmq.com/docs/heartbeats)."""

_SILENT = frozenset(
    {"sqs", "slmq", "sqla", "sqlalchemy", "zookeeper", "consul", "etcd", "pyro", "kafka", "confluentkafka"}
    | {"azurestoragequeues", "azureservicebus"}
)
"""Kombu transports whose bindings live in the worker's own process, or whose events Celery switches off."""

_OURS = frozenset({"stream_port"})
"""Parameters of the URL that are for other sources of ours."""


@dataclass(frozen=True, slots=True)
class Address:
    """
    One broker. `parameters` go to `kombu.Connection`, `options` to its `transport_options`.

    Every query parameter of the URL but TLS's and kombu's own is a transport option: `?polling_interval=0.1`,
    `?master_name=mymaster` (sentinel), `?global_keyprefix=app:` (redis), `?data_folder_in=/spool` (filesystem).
    """

    url: str = field(repr=False)
    shown: str
    """Scheme, host, port and virtual host: nothing that is secret."""
    kind: str
    """amqp, redis or virtual: how it is consumed."""
    parameters: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)

    def client(self, options: Mapping[str, Any]) -> Any:
        """A `kombu.Connection`, not connected, with these transport options besides the URL's."""
        connection: Any = Connection
        return connection(**self.parameters, transport_options={**self.options, **options})


def addresses(url: str) -> list[Address]:
    """
    The brokers of a URL, to be tried in turn: kombu separates alternatives by `;`. Sentinels stay together: all of them
    are asked for one master.

    Raises:
        ConfigError: it is none, or its transport carries no events between processes.
    """
    url = url.removeprefix("kombu+")
    urls = [url] if url.startswith("sentinel:") else [part for part in url.split(";") if part]
    if not urls:
        raise ConfigError("broker URL: it is empty")
    return [_address(one) for one in urls]


def _address(url: str) -> Address:
    scheme, mark, _ = url.partition("://")
    if not mark:
        raise ConfigError("broker URL: it has no scheme, as in amqp://host")
    name, kind, parses_itself = _transport(scheme)
    shown = place(url)
    try:
        split = urlsplit(url)
        if holds_password(split):
            raise ValueError
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        parts = {} if parses_itself or scheme == "sentinel" else parse_url(url)
    except (ValueError, KeyError):  # their words may hold a piece of the password
        raise ConfigError(
            f"broker URL {shown}: cannot be read; is the port a number, the password quoted (%2F)?"
        ) from None
    secure = scheme in ("amqps", "rediss") or any(key.startswith("ssl_") for key in query)
    parameters: dict[str, Any] = {"transport": name, "connect_timeout": CONNECT_SECONDS}
    if parts:
        parameters |= {key: parts[key] for key in ("hostname", "port", "userid", "password", "virtual_host")}
    elif parses_itself:
        parameters["hostname"] = url
    else:  # kombu takes the sentinels apart, when it may find the transport in the URL
        parameters = {"hostname": url.partition("?")[0], "connect_timeout": CONNECT_SECONDS}
    own = {} if parses_itself else {k: v for k, v in query.items() if not k.startswith("ssl_") and k not in _OURS}
    if kind == "amqp":
        parameters |= _amqp_parameters(own, shown)
    if secure:
        parameters["ssl"] = _tls(kind, query, parts.get("hostname"), shown)
    return Address(url, shown, kind, parameters, _options(kind, own))


def _transport(scheme: str) -> tuple[str, str, bool]:
    """Kombu's name of the transport, how it is consumed, and whether it reads the URL itself."""
    name = scheme.partition("+")[0]
    if name.lower() in _SILENT:
        raise ConfigError(f"broker URL {scheme}://: this transport does not carry Celery's events to other processes")
    if name == "librabbitmq":
        name = "pyamqp"  # the same protocol by another library
    if name not in TRANSPORT_ALIASES:
        raise ConfigError(f"broker URL {scheme}://: no such transport")
    try:
        transport: Any = get_transport_cls(name)
    except ImportError as error:
        raise ConfigError(f"broker URL {scheme}://: its library is not installed ({error})") from None
    if issubclass(transport, PyamqpTransport):
        return "pyamqp", "amqp", False
    if transport.driver_type == "redis":
        return name, "redis", False
    if issubclass(transport, VirtualTransport):
        return name, "virtual", bool(transport.can_parse_url)
    raise ConfigError(f"broker URL {scheme}://: this transport is not supported")


def _tls(kind: str, query: Mapping[str, str], host: str | None, shown: str) -> dict[str, Any]:
    """TLS settings that verify chain and host name, always; py-amqp and kombu's redis do not when not told to."""
    files = tls_files(query, shown)
    if kind == "amqp":
        files = {name.removeprefix("ssl_"): path for name, path in files.items()}
        return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host or "localhost", **files}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **files}


def _amqp_parameters(query: Mapping[str, str], shown: str) -> dict[str, Any]:
    """The parameters that RabbitMQ's URLs may have (rabbitmq.com/docs/uri-query-parameters) and we follow."""
    unknown = [parameter(name) for name in query if name not in ("heartbeat", "login_method")]
    problems = [f"{shown}: unknown parameter {name}" for name in unknown]
    heartbeat = query.get("heartbeat", str(HEARTBEAT_SECONDS))
    if not re.fullmatch(r"[1-9]\d{0,3}", heartbeat, re.ASCII):
        problems.append(f"{shown}: heartbeat={heartbeat}: whole seconds, 1 to 9999 (none would hide a dead link)")
    if problems:
        raise ConfigError(problems)
    return {"heartbeat": int(heartbeat), "login_method": query.get("login_method", "PLAIN")}


def _options(kind: str, query: Mapping[str, str]) -> dict[str, Any]:
    if kind == "amqp":
        return {}
    defaults: dict[str, Any] = {"polling_interval": 0.02}  # kombu's 1.0 s would be the latency of every event
    if kind == "redis":
        # Without them a frozen server holds the thread for ever. Reading waits on the socket, not in redis-py.
        defaults |= {"socket_timeout": CONNECT_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return defaults | {name: _value(text) for name, text in query.items()}


def _value(text: str) -> object:
    """A transport option as Python types it."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    return float(text) if re.fullmatch(r"[+-]?\d{1,18}\.\d{1,18}", text, re.ASCII) else text
