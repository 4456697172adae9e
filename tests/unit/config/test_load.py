"""bridge.config.load: one checked Config out of all layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.config import Config, Loaded, SinkEnd, SourceEnd, Url, load
from bridge.errors import ConfigError


def problems(command: str, flags: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load(command, flags, environ or {})
    return raised.value.problems


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bridge.toml"
    path.write_text(text)
    return str(path)


def test_nothing_given_is_the_defaults() -> None:
    """Without any layer a Config is what its constructor makes."""
    loaded = load("run", {}, {})

    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {"default"}


def test_higher_layers_win(tmp_path: Path) -> None:
    """Defaults < file < environment < flags, each value with its origin."""
    path = written(tmp_path, 'group = "file"\nlimit = 1\nprefetch = 7\n')
    loaded = load(
        "run", {"group": "flag", "config": path}, {"CELERY_BRIDGE_GROUP": "env", "CELERY_BRIDGE_LIMIT": "2"}
    )  # fmt: skip

    assert (loaded.config.group, loaded.config.limit, loaded.config.prefetch) == ("flag", 2, 7)
    assert loaded.origins["group"] == "flag --group"
    assert loaded.origins["limit"] == "environment CELERY_BRIDGE_LIMIT"
    assert loaded.origins["prefetch"] == f"file {path}"
    assert loaded.origins["max_tasks"] == "default"


def test_file_named_by_the_environment(tmp_path: Path) -> None:
    """CELERY_BRIDGE_CONFIG names the file as --config does, and the flag wins."""
    path = written(tmp_path, 'group = "file"\n')

    assert load("run", {}, {"CELERY_BRIDGE_CONFIG": path}).config.group == "file"
    assert problems("run", {"config": "/nowhere"}, {"CELERY_BRIDGE_CONFIG": path}) == (
        "--config: cannot read /nowhere: no such file or directory",
    )


def test_every_problem_comes_at_once(tmp_path: Path) -> None:
    """One load names the problems of all layers, each with its place."""
    path = written(tmp_path, 'prefetch = "many"\nxyzzy = 1\n')

    found = problems(
        "run",
        {"config": path, "queue_type": "quorm", "limit": "x", "sources": ["amqpz://u:s3cret@h"]},
        {"CELERY_BRIDGE_DURATION": "soon", "CELERY_BRIDGE_GRUOP": "x"},
    )

    assert set(found) == {
        f"{path}: xyzzy: no such option",
        f"{path}: prefetch: expected a whole number, not a string",
        "--queue-type: 'quorm' is none of quorum, stream, transient; did you mean quorum?",
        "--limit: 'x' is no whole number",
        "--from: amqpz:// is no transport; did you mean amqp?",
        "CELERY_BRIDGE_DURATION: 'soon' is no number of seconds; write 90, 1.5 or 5m",
        "CELERY_BRIDGE_GRUOP: no such option; did you mean CELERY_BRIDGE_GROUP?",
    }


def test_dump_has_a_terminals_defaults() -> None:
    """dump reads a transient queue and picks its format by what stdout is."""
    config = load("dump", {}, {}).config

    assert (config.queue_type, config.format, config.to) == ("transient", "auto", SinkEnd())
    assert config.sources[0].queue_type == "transient"


def test_dump_does_not_take_the_services_queue_or_topic(tmp_path: Path) -> None:
    """In a container of the service, dump looks on: only its own flags say what queue it reads and where it writes."""
    path = written(tmp_path, 'queue_type = "quorum"\nto = "kafka://h/t"\ngroup = "g"\n')
    environ = {"CELERY_BRIDGE_CONFIG": path, "CELERY_BRIDGE_TO": "kafka://h/t", "CELERY_BRIDGE_FROM": "amqp://rabbit"}

    config = load("dump", {}, environ).config

    assert (config.queue_type, config.to, config.group) == ("transient", SinkEnd(), "g")
    assert config.sources[0].url == Url("amqp://rabbit")
    assert load("dump", {"queue_type": "quorum"}, environ).config.queue_type == "quorum"


def test_demo_reads_and_writes_nothing_of_the_users() -> None:
    """demo is the same everywhere: neither source nor topic come from the environment."""
    config = load("demo", {}, {"CELERY_BRIDGE_TO": "kafka://h/t", "CELERY_BRIDGE_FROM": "redis://h"}).config

    assert (config.to, config.format) == (SinkEnd(), "native")
    assert config.sources == (SourceEnd(url=Url("amqp://")),)


def test_what_a_command_does_not_have_is_not_judged() -> None:
    """A broker that only Celery knows, or a wrong limit, does not keep anybody from looking at schemas."""
    environ = {"CELERY_BROKER_URL": "my.transport:Own://h", "CELERY_BRIDGE_LIMIT": "x"}

    assert load("schemas", {}, environ).config.limit is None
    assert load("demo", {}, {**environ, "CELERY_BRIDGE_LIMIT": "5"}).config.limit == 5
    assert len(problems("run", {}, environ)) == 2


def test_replay_takes_a_file_only(tmp_path: Path) -> None:
    """A broker's URL would be consumed, not replayed."""
    (source,) = load("replay", {"sources": [written(tmp_path, "")]}, {"CELERY_BRIDGE_FROM": "amqp://h"}).config.sources

    assert source.path == str(tmp_path / "bridge.toml")
    assert problems("replay", {"sources": ["amqp://h"]}) == (
        "FILE: replay reads a file; to read from a broker use run or dump",
    )
    assert problems("replay", {"sources": [""]}) == ("FILE: the URL is empty",)


def test_properties_of_all_layers_add_up(tmp_path: Path) -> None:
    """A name is taken from the highest layer that has it."""
    path = written(tmp_path, 'kafka_property = {"a" = "file", "b" = "file", "sasl.password" = "***"}\n')
    loaded = load(
        "run",
        {"config": path, "kafka_properties": ["a=flag"]},
        {"CELERY_BRIDGE_KAFKA_PROPERTY": "sasl.password=s3cret"},
    )

    assert loaded.config.kafka_properties == {"a": "flag", "b": "file", "sasl.password": "s3cret"}
    assert loaded.origins["kafka_properties"] == (
        f"flag --kafka-property, environment CELERY_BRIDGE_KAFKA_PROPERTY, file {path}"
    )


def test_a_mask_is_no_secret(tmp_path: Path) -> None:
    """A printed configuration without its secrets is refused, not tried."""
    path = written(tmp_path, 'from = "amqp://u:***@h"\nkafka_property = {"sasl.password" = "***"}\n')

    assert problems("run", {"config": path}) == (
        f"{path}: kafka_property: sasl.password is ***, as a printed configuration shows it: give the real value",
        f"{path}: from: its password is ***, as a printed configuration shows it: give the real one",
    )


def test_no_secret_is_shown() -> None:
    """Neither the repr of a Config nor an error holds a password."""
    flags = {"sources": ["amqp://u:s3cret@h"], "kafka_properties": ["sasl.password=s3cret"]}
    loaded: Loaded = load("run", flags, {})

    assert "s3cret" not in repr(loaded)
    assert not any("s3cret" in problem for problem in problems("run", {**flags, "limit": "x", "to": "x://u:s3cret@h"}))
