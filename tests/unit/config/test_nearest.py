"""bridge.config.nearest: the name that somebody probably meant."""

from bridge.config.nearest import did_you_mean


def test_offers_the_nearest_name() -> None:
    """A mistyped name gets the one it resembles most."""
    assert did_you_mean("quorm", ["quorum", "transient"]) == "; did you mean quorum?"


def test_letter_case_does_not_hide_a_name() -> None:
    """The name is offered as it is really written."""
    assert did_you_mean("celery_bridge_gruop", ["CELERY_BRIDGE_GROUP"]) == "; did you mean CELERY_BRIDGE_GROUP?"


def test_offers_nothing_when_no_name_is_near() -> None:
    """A name that resembles none gets no advice."""
    assert did_you_mean("xyz", ["quorum", "transient"]) == ""
    assert did_you_mean("quorum", []) == ""
