"""The two ends as a user names them: `--from` and `--to`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.config.nearest import did_you_mean
from bridge.config.secret import MASK, SCHEME, Properties, Url, holds_mask

DEFAULT_BROKER = "amqp://"
DEFAULT_LABEL = "celery"
DEFAULT_TOPIC = "celery.events"
DEFAULT_KAFKA_PORT = 9092
DEFAULT_GROUP = "default"
DEFAULT_QUEUE_TYPE = "quorum"
DEFAULT_PREFETCH = 5000
"""Deliveries: enough to hide Kafka's round trip at 50,000 events/s (100 ms), few enough to redeliver in a second."""
DEFAULT_MAX_UNSETTLED_BYTES = 64 * 1024 * 1024
"""5,000 deliveries of Celery's usual 0.3 to 3 KiB are 15 MiB at most; this bounds unusual ones."""

STDIN = "-"

TRANSPORTS = frozenset(
    ("amqp", "amqps", "azureservicebus", "azurestoragequeues", "confluentkafka", "consul", "etcd", "filesystem",
     "gcpubsub", "librabbitmq", "memory", "mongodb", "pgmq", "pyamqp", "pyro", "qpid", "redis", "rediss", "sentinel",
     "slmq", "sqla", "sqlalchemy", "sqs", "zookeeper")
)  # fmt: skip
"""The URL schemes that kombu 5.7 knows (kombu.transport.TRANSPORT_ALIASES), and `amqps`. Without `kafka`: a source of
its own, later."""

LABEL = r"[a-z0-9-]+"
_LABEL = re.compile(rf"^({LABEL})=(.*)$", re.DOTALL)
_ALMOST_LABEL = re.compile(r"^([^=:/?#@.]+)=(.*)$", re.DOTALL)
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$")
# Kafka allows 249 characters; ".positions" (10) must fit behind the name.
_TOPIC = re.compile(r"^[A-Za-z0-9._-]{1,239}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnd:
    """One `--from`: where events come from, and what holds for this source only."""

    url: Url
    """A broker's URL, the path of a file of lines, or `-`."""
    label: str = DEFAULT_LABEL
    """Becomes `cluster` in each record."""
    queue_type: str | None = DEFAULT_QUEUE_TYPE
    """None: any, for `forget`."""
    group: str = DEFAULT_GROUP
    queue_args: Mapping[str, str] = field(default_factory=Properties)
    start: str | None = None
    """Where in a stream to begin, as the user wrote it; None: where the last run stopped."""
    prefetch: int = DEFAULT_PREFETCH
    """Deliveries."""
    max_unsettled_bytes: int = DEFAULT_MAX_UNSETTLED_BYTES

    @property
    def path(self) -> str | None:
        """The file to read lines from, `-` for stdin; None when this is a broker."""
        return None if self.url.scheme else self.url.value.removeprefix("file:")

    @property
    def transport(self) -> str:
        """The transport by kombu's name, e.g. `amqp`, `redis`, `sqla`; empty for lines."""
        return self.url.scheme.removeprefix("kombu+").partition("+")[0]

    @property
    def forced_kombu(self) -> bool:
        """Whether the user asked for kombu (`kombu+amqp://`) where the bridge has a reader of its own."""
        return self.url.scheme.startswith("kombu+")

    @property
    def broker(self) -> str:
        """The URL as kombu takes it, without `kombu+`. Holds the password."""
        return self.url.value.partition("+")[2] if self.forced_kombu else self.url.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkEnd:
    """`--to`: exactly one of stdout, a file, or a topic of a Kafka cluster."""

    kind: str = "stdout"
    """`stdout`, `file` or `kafka`."""
    path: str = ""
    """The file to append to; empty for the others."""
    servers: tuple[str, ...] = ()
    """`host:port`, 1..n for Kafka."""
    topic: str = ""

    def __str__(self) -> str:
        if self.kind == "kafka":
            return f"kafka://{','.join(self.servers)}/{self.topic}"
        return f"file:{self.path}" if self.kind == "file" else self.kind


def read_source(text: str) -> tuple[str, Url]:
    """
    Label and URL of one `--from` value; the label is DEFAULT_LABEL when it has none.

    Raises:
        ValueError: its text says what is wrong, without the password.
    """
    label = DEFAULT_LABEL
    if match := _LABEL.match(text):
        label, text = match.groups()
    elif (match := _ALMOST_LABEL.match(text)) and SCHEME.match(match[2]):
        raise ValueError(f"the label {match[1]!r} may hold a-z, 0-9 and - only")
    return label, read_source_url(text)


def read_source_url(text: str) -> Url:
    """
    A broker's URL, a path or `-`.

    Raises:
        ValueError: its text says what is wrong, without the password.
    """
    if text.startswith("file:///"):
        text = "file:/" + text.removeprefix("file:").lstrip("/")
    url = Url(text)
    if not text:
        raise ValueError("the URL is empty")
    match = SCHEME.match(text)
    if match is None:
        _check_path(url)
        return url
    if text.startswith("file:"):
        raise ValueError(f"write a file as file:PATH or PATH, not {url.masked}")
    scheme = match[1].lower()
    transport = scheme.removeprefix("kombu+").partition("+")[0]
    if scheme == "kafka":
        raise ValueError("reading from Kafka is not possible yet")
    if transport not in TRANSPORTS:
        raise ValueError(f"{match[1]}:// is no transport{did_you_mean(match[1], TRANSPORTS)}")
    if holds_mask(text):
        raise ValueError(f"its password is {MASK}, as a printed configuration shows it: give the real one")
    return url


def _check_path(url: Url) -> None:
    """A path may hold anything; what looks like a URL gone wrong is said to be one."""
    head = re.match(r"^([A-Za-z][A-Za-z0-9.+-]*):(?:/(?!/)|$)|^([A-Za-z][A-Za-z0-9.+-]*)//", url.value)
    scheme = (head[1] or head[2]).lower() if head else ""
    if scheme in TRANSPORTS:
        raise ValueError(f"{url.masked} is no URL: write {scheme}://...")
    if url.value == "file:":
        raise ValueError("file: names no path")
    if "://" in url.value and not url.value.startswith(("/", ".", "file:")):
        raise ValueError(f"{url.masked} is no URL of a transport that is known")


def read_sink(text: str) -> SinkEnd:
    """
    The end that one `--to` value names: `stdout`, `-`, `file:PATH` or `kafka://host:port,.../topic`.

    Raises:
        ValueError: its text says what is wrong.
    """
    if text in ("stdout", "stdout:", "-"):
        return SinkEnd()
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        if path.startswith("///"):
            path = "/" + path.lstrip("/")
        if not path or path.startswith("//"):
            raise ValueError("write a file as file:PATH")
        return SinkEnd(kind="file", path=path)
    scheme = SCHEME.match(text)
    if scheme and scheme[1].lower() == "kafka":
        return _read_kafka(text[scheme.end() :])
    shown = Url(text).masked
    if scheme:
        raise ValueError(
            f"{scheme[1]}:// is no place to write to{did_you_mean(scheme[1], ['kafka', 'file', 'stdout'])}"
        )
    if "/" in text or text.endswith((".json", ".jsonl", ".log")):
        raise ValueError(f"{shown!r} is no URL; for a file write file:{shown}")
    raise ValueError(f"{shown!r} is none of stdout, file:PATH, kafka://...{did_you_mean(text, ['stdout'])}")


def read_letters(text: str) -> SinkEnd:
    """
    Where dead letters are read from: `kafka://host:port/topic.dlq`, or a file (`-` is stdin).

    Raises:
        ValueError: its text says what is wrong.
    """
    scheme = SCHEME.match(text)
    if scheme and scheme[1].lower() == "kafka":
        rest = text[scheme.end() :]
        return _read_kafka(rest if rest.partition("/")[2] else f"{rest.removesuffix('/')}/{DEFAULT_TOPIC}.dlq")
    if scheme or not text:
        raise ValueError(f"{Url(text).masked!r} is neither a file nor kafka://host:port/topic")
    return SinkEnd(kind="file", path=text.removeprefix("file:"))


def _read_kafka(rest: str) -> SinkEnd:
    if "@" in rest:
        raise ValueError("a Kafka URL holds no user or password: use -X sasl.username=... and -X sasl.password=...")
    if "?" in rest or "#" in rest:
        raise ValueError("a Kafka URL holds no parameters: use -X name=value")
    hosts, _, topic = rest.partition("/")
    topic = topic.removesuffix("/") or DEFAULT_TOPIC
    if not _TOPIC.match(topic) or topic in (".", ".."):
        raise ValueError(f"{topic[:80]!r} is no topic name: at most 239 of A-Z, a-z, 0-9, '.', '_' and '-'")
    return SinkEnd(kind="kafka", servers=tuple(_read_server(host) for host in hosts.split(",")), topic=topic)


def _read_server(text: str) -> str:
    match = _HOST.match(text)
    port = int(match[2] or DEFAULT_KAFKA_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError(f"{text[:80]!r} is no host:port")
    return f"{match[1]}:{port}"
