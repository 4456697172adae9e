"""Claims about the short names of workers."""

from typing import Any

import pytest

from bridge.formats.workers import WorkerNames


@pytest.mark.parametrize(
    ("hostname", "short"),
    [
        ("celery@web1.example.com", "web1"),
        ("celery@web1", "web1"),
        ("celery@10.0.0.7", "10.0.0.7"),
        ("celery@.example", ".example"),
        ("mail@web1.example.com", "mail"),
        ("gen4711@laptop", "gen4711"),
        ("no at", "no at"),
        ("ends@", "ends@"),
        ("@host", ""),
        ("a\x1b[2J@h", "a\\x1b[2J"),
        (None, ""),
        (7, "7"),
        (["x"], '["x"]'),
    ],
)
def test_short_is_what_tells_nodes_apart(hostname: Any, short: str) -> None:
    """The node's name; of the many that are called celery the host's, but whole where it is an address."""
    assert WorkerNames().short(hostname, "celery") == short


def test_two_nodes_with_one_short_name_are_both_said_in_full() -> None:
    """From the moment the second is seen, the first one too."""
    names = WorkerNames()
    before = names.short("mail@web1", "celery")

    assert before == "mail"
    assert names.short("mail@web2", "celery") == "mail@web2"
    assert names.short("mail@web1", "celery") == "mail@web1"
    assert names.short("other@web1", "celery") == "other"


def test_a_labelled_cluster_stands_before_the_name() -> None:
    """The default label is not worth a column."""
    names = WorkerNames()

    assert names.short("mail@web1", "eu") == "eu/mail"
    assert names.short(None, "eu") == "eu"
    assert names.short("mail@web1", "celery") == "mail"


def test_names_of_clients_without_end_are_forgotten() -> None:
    """Memory is bounded, and who comes again has the same name."""
    names = WorkerNames()
    for pid in range(10_000):
        names.short(f"gen{pid}@host", "celery")

    assert len(names._short) <= 4096
    assert len(names._owner) <= 4096
    assert names.short("gen1@host", "celery") == "gen1"
