"""Laws of configuration: what is printed is read back as the same; no text crashes the readers or shows a secret."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config import OPTIONS, Loaded, SinkEnd, load
from bridge.config.secret import masked_url
from bridge.config.toml import document
from bridge.errors import ConfigError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
HOST = st.from_regex(r"[a-z][a-z0-9.-]{0,10}", fullmatch=True)
LABEL = st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True)
PATH = TEXT.map(lambda text: "/" + text)
URL = st.one_of(
    st.builds("{}://user:secret@{}/{}".format, st.sampled_from(["amqp", "redis", "kombu+amqp"]), HOST, LABEL),
    st.builds("{}://{}".format, st.sampled_from(["amqps", "sqs"]), HOST),
    PATH,
)
GROUP = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
PAIRS = st.dictionaries(LABEL.map("x-{}".format), TEXT, max_size=3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "queue_type": st.sampled_from(["quorum", "transient"]),
        "group": GROUP,
        "queue_arg": PAIRS,
        "prefetch": st.integers(1, 65535),
        "max_unsettled_bytes": st.integers(1, 2**50),
    },
)
SOURCES = st.dictionaries(LABEL, st.builds(lambda url, own: {"url": url, **own}, URL, SETTINGS), min_size=1, max_size=3)
SINK = st.one_of(
    st.just("stdout"),
    PATH.map("file:{}".format),
    st.builds("kafka://{}:{},{}/{}".format, HOST, st.integers(1, 65535), HOST, GROUP),
)
PATTERNS = st.lists(TEXT, max_size=3)
SECONDS = st.floats(0, 1e9)
FILE = st.fixed_dictionaries(
    {"from": SOURCES, "to": SINK},
    optional={
        "format": st.sampled_from(["native", "raw", "dump", "pretty", "auto"]),
        "schemas": PATH,
        "kafka_property": st.dictionaries(TEXT.map("client.{}".format).filter(lambda text: "=" not in text), TEXT),
        "type": PATTERNS,
        "not_worker": PATTERNS,
        "limit": st.integers(1, 2**53),
        "duration": SECONDS,
        "shutdown_grace_seconds": SECONDS,
        "fail_fast": st.booleans(),
        "create_topics": st.booleans(),
        "log_level": st.sampled_from(["debug", "error"]),
    },
)


def read_back(text: str, name: str, environ: dict[str, str]) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        return load("config", {"config": str(path)}, environ)


@settings(max_examples=60)
@given(file=FILE, common=SETTINGS)
def test_printed_configuration_reads_back_as_the_same(file: dict[str, Any], common: dict[str, Any]) -> None:
    """`celery-bridge config` prints what `--config` makes the same Config of; URLs with secrets come from elsewhere."""
    first = read_back(json.dumps({**file, **common}), "bridge.json", {})
    secrets = json.dumps([f"{end.label}={end.url.value}" for end in first.config.sources])

    printed = document(first)

    assert ":secret@" not in printed
    assert read_back(printed, "bridge.toml", {"CELERY_BRIDGE_FROM": secrets}).config == first.config


@given(st.sampled_from([row.key for row in OPTIONS]), st.text())
def test_any_text_is_a_value_or_a_problem(key: str, text: str) -> None:
    """No environment crashes the loader: whatever stands there is a Config or a ConfigError."""
    row = next(row for row in OPTIONS if row.key == key)
    problems: tuple[str, ...] = ()
    try:
        load("run", {}, {row.variable: text})
    except ConfigError as error:
        problems = error.problems

    assert all(problem.startswith(f"{row.variable}: ") or row.key == "config" for problem in problems)


@given(st.text())
def test_the_text_of_a_sink_reads_as_the_same_sink(text: str) -> None:
    """Whatever is accepted as an end can be written and read again."""
    kind = next(row.kind for row in OPTIONS if row.key == "to")
    try:
        end = kind.read(text)
    except ValueError:
        return

    assert isinstance(end, SinkEnd)
    assert kind.read(str(end)) == end


@given(
    scheme=st.sampled_from(["amqp://", "redis://", "kombu+amqp://", "", "amqp:/"]),
    user=st.text(st.characters(exclude_characters=":;", exclude_categories=["Cs"])),
    password=st.text(st.characters(exclude_characters=";", exclude_categories=["Cs"])).map("s3{}cret".format),
    host=HOST,
)
def test_no_password_survives_masking(scheme: str, user: str, password: str, host: str) -> None:
    """However a URL is malformed, its password is not in the masked form."""
    assert password not in masked_url(f"{scheme}{user}:{password}@{host}/vhost")
