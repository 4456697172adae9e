"""The table of options: the only source of flags, environment names, file keys, defaults and their documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config import ends
from bridge.config.commands import AGAIN, ALIKE, ALL, CHAINS, FORGET, LETTERS, READERS, SERVICE
from bridge.config.kinds import Choice, Count, FilePath, Many, Pairs, Seconds, Size, Switch, Text
from bridge.config.options import Option, option, options_of
from bridge.config.places import Places
from bridge.config.secret import Properties

OUTPUT, KAFKA, FILTERS, LIMITS, PROCESS = "Output", "Kafka", "Filters", "Limits", "Process"

_PATTERN = Many(Text("PATTERN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Places):
    """
    Everything a command needs to know, checked and frozen. Made by `load`, or by hand in tests. Its rows begin with
    those of Places.
    """

    command: str = "run"
    """Which command it is for: one of `bridge.config.commands`."""

    format: str = field(
        default="native",
        metadata=option(
            Choice(("native", "raw", "dump", "pretty", "capture", "auto")),
            "native: the enriched record as JSON. raw: the event as sent. dump: the text of `celery events --dump`. "
            "pretty: coloured one-liners. capture: each message of the broker as it came. auto: pretty on a terminal, "
            "native anywhere else.",
            OUTPUT, commands=(*ALIKE, AGAIN), defaults={"dump": "auto"},
        ),
    )  # fmt: skip
    split: bool = field(
        default=False,
        metadata=option(
            Switch(), "With --format capture: write each event of a list apart, on Kafka under the key of its task.",
            OUTPUT, commands=CHAINS,
        ),
    )  # fmt: skip
    schemas: Path | None = field(
        default=None,
        metadata=option(
            FilePath("DIR"), "JSON Schemas of your own: order-paid.json is for events of type order-paid. A file named "
            "like a built-in type replaces that schema.",
            OUTPUT, commands=ALL, default_text="only the built-in ones",
        ),
    )  # fmt: skip
    strict: bool = field(
        default=False,
        metadata=option(
            Switch(), "Close the schemas: a field that its schema does not name makes an event invalid. Types without "
            "a schema of their own stay open.",
            OUTPUT, commands=(*ALIKE, "validate", AGAIN),
        ),
    )  # fmt: skip
    on_invalid: str = field(
        default="dead-letter",
        metadata=option(
            Choice(("dead-letter", "tag", "drop", "fail")),
            "What becomes of an event that violates its schema. tag: it is forwarded, with `violations`. drop: it is "
            "counted. fail: exit 65 before its delivery, which stays with the broker. What is no event at all is a "
            "dead letter, or counted with drop.",
            OUTPUT, commands=ALIKE,
        ),
    )  # fmt: skip

    kafka_properties: Mapping[str, str] = field(
        default_factory=Properties,
        metadata=option(
            Pairs(), "Property of the Kafka client, in Java's or librdkafka's spelling, as "
            "security.protocol=SASL_SSL. Repeatable.",
            KAFKA, key="kafka_property", commands=(*CHAINS, *LETTERS, FORGET), flags=("-X",),
        ),
    )  # fmt: skip
    create_topics: bool = field(
        default=False,
        metadata=option(
            Switch(), "Create the topic and its dead-letter topic where missing; without it they are waited for.",
            KAFKA, commands=(*CHAINS, AGAIN),
        ),
    )  # fmt: skip

    types: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Deliver only events whose type matches, as 'task-*'. A shell pattern. Repeatable: any of them.",
            FILTERS, key="type", commands=ALIKE,
        ),
    )  # fmt: skip
    not_types: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Leave out events whose type matches. Repeatable.", FILTERS, key="not_type", commands=ALIKE,
        ),
    )  # fmt: skip
    tasks: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Deliver only events of tasks whose name matches, as 'shop.*'. Repeatable.", FILTERS, key="task",
            commands=ALIKE,
        ),
    )  # fmt: skip
    not_tasks: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Leave out events of tasks whose name matches. Repeatable.", FILTERS, key="not_task",
            commands=ALIKE,
        ),
    )  # fmt: skip
    workers: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Deliver only events whose hostname matches, as 'celery@web-*'. Repeatable.", FILTERS,
            key="worker", commands=ALIKE,
        ),
    )  # fmt: skip
    not_workers: tuple[str, ...] = field(
        default=(),
        metadata=option(
            _PATTERN, "Leave out events whose hostname matches. Repeatable.", FILTERS, key="not_worker",
            commands=ALIKE,
        ),
    )  # fmt: skip

    limit: int | None = field(
        default=None,
        metadata=option(
            Count(), "Stop after N events were delivered.", LIMITS, commands=ALIKE, default_text="no limit",
        ),
    )  # fmt: skip
    duration: float | None = field(
        default=None,
        metadata=option(
            Seconds(), "Stop after S seconds.", LIMITS, commands=CHAINS, default_text="no limit",
        ),
    )  # fmt: skip
    max_tasks: int = field(
        default=100_000,
        metadata=option(
            Count(), "Tasks remembered, for names, states and durations; the ended ones are forgotten first. "
            "100,000 take about 200 MB.",
            LIMITS, commands=(*ALIKE, AGAIN),
        ),
    )  # fmt: skip
    state: Path | None = field(
        default=None,
        metadata=option(
            FilePath("DIR"), "Keep what is known of tasks, their arguments too, in a file of this folder per source, "
            "for the next start. Each bridge needs a folder of its own.",
            LIMITS, commands=SERVICE, default_text="not kept",
        ),
    )  # fmt: skip
    snapshot_every: float = field(
        default=30.0,  # what a crash forgets
        metadata=option(Seconds(1.0), "With --state: seconds between two files.", LIMITS, commands=SERVICE),
    )  # fmt: skip
    prefetch: int = field(
        default=ends.DEFAULT_PREFETCH,
        metadata=option(
            # AMQP's basic.qos carries it in 16 bits, where 0 means no bound.
            Count(1, 65535), "Deliveries taken from the broker and not yet confirmed by the other end, at most.",
            LIMITS, commands=READERS, per_source=True,
        ),
    )  # fmt: skip
    max_unsettled_bytes: int = field(
        default=ends.DEFAULT_MAX_UNSETTLED_BYTES,
        metadata=option(
            Size(), "Bytes of deliveries not yet confirmed, at most: then reading pauses. 64MiB is understood.",
            LIMITS, commands=READERS, per_source=True,
        ),
    )  # fmt: skip

    shutdown_grace_seconds: float = field(
        # Kubernetes kills after 30.
        default=25.0,
        metadata=option(
            Seconds(), "Time to deliver what was read when asked to stop; after it the rest stays with the broker.",
            PROCESS, commands=(*CHAINS, AGAIN),
        ),
    )  # fmt: skip
    fail_fast: bool = field(
        default=False,
        metadata=option(
            Switch(), "Exit when an end cannot be reached (69), refuses the credentials (77) or lacks a topic (78), "
            "instead of waiting for it.",
            PROCESS, commands=(*CHAINS, AGAIN),
        ),
    )  # fmt: skip
    config: Path | None = field(
        default=None,
        compare=False,
        metadata=option(
            FilePath("FILE"), "Read options from a TOML or JSON file: flat keys, the long flags with underscores.",
            PROCESS, commands=(*ALL, FORGET), in_file=False, default_text="no file",
        ),
    )  # fmt: skip
    log_level: str = field(
        default="info",
        metadata=option(
            Choice(("debug", "info", "warning", "error")), "What is logged, on stderr.", PROCESS,
            commands=(*ALIKE, *LETTERS, FORGET),
        ),
    )  # fmt: skip
    log_format: str = field(
        default="auto",
        metadata=option(
            Choice(("auto", "json", "console")), "How it is logged. auto: console on a terminal, else JSON.", PROCESS,
            commands=(*ALIKE, *LETTERS, FORGET),
        ),
    )  # fmt: skip

    def format_for(self, terminal: bool) -> str:
        """The format, `auto` resolved: `pretty` when records go to stdout and that is a terminal, else `native`."""
        if self.format != "auto":
            return self.format
        return "pretty" if terminal and self.to.kind == "stdout" else "native"

    @property
    def quiet_pipe(self) -> bool:
        """Whether a reader that closes our stdout (`| head`) is an ordinary end (exit 0) and no broken output (74)."""
        return self.command != "run"


OPTIONS: tuple[Option, ...] = options_of(Config)
