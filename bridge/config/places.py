"""The first rows of the table of options: where events come from, where they go, and the queue between."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.config import ends
from bridge.config.commands import AGAIN, CHAINS, FORGET, READERS
from bridge.config.ends import SinkEnd, SourceEnd
from bridge.config.kinds import Choice, Pairs, Text
from bridge.config.options import option
from bridge.config.secret import Properties, Url
from bridge.config.urls import Sinks, Sources

ENDS, QUEUE = "Ends", "Queue"

_GROUP = Text(
    "NAME",
    # Names on the broker are at most 255 bytes, and those that end so belong to the other queue types of a group.
    r"(?!.*\.(?:stream|collect)$)[A-Za-z0-9_.-]{1,200}",
    "1 to 200 of A-Z, a-z, 0-9, '_', '.' and '-', and not ending in .stream or .collect",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The ends of a command and the queue on the broker; Config adds what happens between."""

    sources: tuple[SourceEnd, ...] = field(
        default=(SourceEnd(url=Url(ends.DEFAULT_BROKER)),),
        metadata=option(
            Sources(),
            "Where events come from: a broker's URL (amqp, amqps, redis, rediss, sentinel or any transport of kombu), "
            "a file of JSON lines, or - for stdin. Repeatable, each with a label of its own: prod=amqp://... "
            "The label becomes `cluster` in each record.",
            ENDS, key="from", commands=(*READERS, FORGET), flags=("-b", "--broker"),
            default_text="$CELERY_BROKER_URL, else amqp://",
        ),
    )  # fmt: skip
    to: SinkEnd = field(
        default=SinkEnd(),
        metadata=option(
            Sinks(), "Where records go: stdout, file:PATH (appends), or kafka://host:port,host:port/topic.",
            ENDS, commands=(*CHAINS, AGAIN, FORGET), flag_only=("dump",),
        ),
    )  # fmt: skip
    dead_letters: SinkEnd | None = field(
        default=None,
        metadata=option(
            Sinks(), "Where dead letters go, as --to says it: another topic, or a file. On the cluster of --to the "
            "same producer writes them; anywhere else they are written before the records of their delivery.",
            ENDS, commands=CHAINS, flag_only=("dump",), default_text="TOPIC.dlq, or the same lines as records",
        ),
    )  # fmt: skip

    queue_type: str | None = field(
        default=ends.DEFAULT_QUEUE_TYPE,
        metadata=option(
            Choice(("quorum", "stream", "transient")),
            "The queue on RabbitMQ. quorum: durable, keeps events while the bridge is away. stream: the same as a log, "
            "read over RabbitMQ's stream protocol where it is offered (port 5552, ?stream_port= in the URL); what is "
            "lost to its bounds is counted, and it can be read again. transient: leaves nothing behind, and loses what "
            "is sent meanwhile.",
            QUEUE, commands=(*READERS, FORGET), defaults={"dump": "transient", FORGET: None}, flag_only=("dump",),
            per_source=True,
        ),
    )  # fmt: skip
    group: str = field(
        default=ends.DEFAULT_GROUP,
        metadata=option(
            _GROUP, "Names the durable queue, celeryev.bridge.NAME (of a stream celeryev.bridge.NAME.stream). Bridges "
            "of one group share its events, bridges of different groups each get all of them.",
            QUEUE, commands=(*READERS, FORGET), per_source=True,
        ),
    )  # fmt: skip
    queue_args: Mapping[str, str] = field(
        default_factory=Properties,
        metadata=option(
            Pairs(), "Argument to declare the queue with, over the bridge's own, as x-max-length-bytes=1073741824. "
            "A queue that exists keeps its arguments: another value is refused. Repeatable.",
            QUEUE, key="queue_arg", commands=READERS, per_source=True,
        ),
    )  # fmt: skip
    start: str | None = field(
        default=None,
        metadata=option(
            Text("PLACE"), "Where in the stream to begin, whatever was remembered: oldest, next (what is published "
            "from now on), an offset, or a time as 2026-11-20T11:47:00Z. At every start, so take it away again.",
            QUEUE, commands=READERS, per_source=True, default_text="where the last run stopped, else oldest",
        ),
    )  # fmt: skip
