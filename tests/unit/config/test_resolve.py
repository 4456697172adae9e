"""bridge.config.resolve: labels, the settings of each source, and the defaults for the rest."""

from pathlib import Path

import pytest

from bridge.config import SourceEnd, Url, load
from bridge.errors import ConfigError

TABLES = """
group = "all"

[from.prod]
url = "amqp://rabbit1"
group = "prod"
queue_arg = {"x-max-length-bytes" = 5}

[from.eu]
url = "redis://redis2"
prefetch = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.toml"
    path.write_text(TABLES)
    return path


def problems(flags: dict[str, object], environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load("run", flags, environ or {})
    return raised.value.problems


def test_tables_hold_what_is_the_sources_own(file: Path) -> None:
    """A source has its table's settings and for the rest what holds for all."""
    prod, eu = load("run", {"config": str(file)}, {}).config.sources

    assert prod == SourceEnd(
        url=Url("amqp://rabbit1"), label="prod", group="prod", queue_args={"x-max-length-bytes": "5"}
    )
    assert eu == SourceEnd(url=Url("redis://redis2"), label="eu", group="all", prefetch=7)


def test_urls_from_higher_up_keep_their_tables(file: Path) -> None:
    """A URL with a password can come from the environment; the file's table of that label still holds."""
    loaded = load("run", {"config": str(file)}, {"CELERY_BRIDGE_FROM": "prod=amqp://u:p@rabbit1"})

    assert loaded.config.sources == (
        SourceEnd(
            url=Url("amqp://u:p@rabbit1"), label="prod", group="prod", queue_args={"x-max-length-bytes": "5"}
        ),
    )  # fmt: skip
    assert loaded.origins["sources"] == "environment CELERY_BRIDGE_FROM"


def test_tables_in_the_environment() -> None:
    """JSON in the variable may be what a file's tables are."""
    environ = {"CELERY_BRIDGE_FROM": '{"prod": {"url": "amqp://h", "group": "g"}, "eu": "redis://r"}'}

    prod, eu = load("run", {}, environ).config.sources

    assert (prod.label, prod.group, eu.url) == ("prod", "g", Url("redis://r"))


def test_celerys_own_variable_is_the_default() -> None:
    """CELERY_BROKER_URL counts where nothing else is said, and only there."""
    environ = {"CELERY_BROKER_URL": "redis://r"}

    loaded = load("run", {}, environ)

    assert loaded.config.sources == (SourceEnd(url=Url("redis://r")),)
    assert loaded.origins["sources"] == "environment CELERY_BROKER_URL"
    assert load("run", {"sources": ["amqp://h"]}, environ).config.sources[0].url == Url("amqp://h")
    assert problems({}, {"CELERY_BROKER_URL": "nats://u:s3cret@h"}) == ("CELERY_BROKER_URL: nats:// is no transport",)


def test_labels_are_distinct() -> None:
    """Two sources without or with the same label are a problem."""
    assert problems({"sources": ["amqp://a", "amqp://b"]}) == (
        "--from: 2 sources have the label 'celery': give each its own, as celery-2=URL",
    )
    assert len(problems({"sources": ["a=amqp://a", "a=amqp://b", "b=-", "c=-"]})) == 2


def test_only_one_source_is_stdin() -> None:
    """Two readers would share its lines."""
    assert problems({"sources": ["a=-", "b=-"]}) == ("--from: only one source can be stdin",)


def test_wrong_settings_of_a_table_are_named(tmp_path: Path) -> None:
    """Unknown keys, wrong types and a missing URL are said with the label."""
    path = tmp_path / "bridge.toml"
    path.write_text('[from.a]\nurl = "amqp://h"\ngruop = 1\nprefetch = "x"\nlimit = 5\n[from.b]\ngroup = "g"\n')

    assert problems({"config": str(path)}) == (
        f"{path}: from.a: gruop: no option of a single source; did you mean group?",
        f"{path}: from.a: prefetch: expected a whole number, not a string",
        f"{path}: from.a: limit: no option of a single source",
        f"{path}: from: [from.b] has no url",
    )


def test_no_source_at_all_is_a_problem(tmp_path: Path) -> None:
    """An empty list names nothing."""
    path = tmp_path / "bridge.toml"
    path.write_text("from = []\n")

    assert problems({"config": str(path)}) == (f"{path}: from: it names no source",)


def test_tables_without_urls_leave_the_default(tmp_path: Path) -> None:
    """A table may say something about the default label and leave the URL to CELERY_BROKER_URL."""
    path = tmp_path / "bridge.toml"
    path.write_text('[from.celery]\ngroup = "g"\n')

    (source,) = load("run", {"config": str(path)}, {"CELERY_BROKER_URL": "amqp://h"}).config.sources

    assert (source.url, source.group) == (Url("amqp://h"), "g")


def test_each_source_has_its_own_problems(tmp_path: Path) -> None:
    """A wrong source hides no other's problems, in a list or in tables, and a wrong URL none of its own table."""
    assert problems({"sources": ["nope://a", "Prod=amqp://b", "c=amqp://c", "kafka://d"]}) == (
        "--from: nope:// is no transport",
        "--from: the label 'Prod' may hold a-z, 0-9 and - only",
        "--from: reading from Kafka is not possible yet",
    )
    path = tmp_path / "wrong.toml"
    path.write_text('[from.a]\nurl = "amqp://a"\nprefetch = "x"\n[from.b]\nurl = "nope://b"\ngroup = 5\n')
    assert problems({"config": str(path)}) == (
        f"{path}: from: [from.b] url: nope:// is no transport",
        f"{path}: from.a: prefetch: expected a whole number, not a string",
        f"{path}: from.b: group: expected a string, not a whole number",
    )
