"""bridge.config.secret: what must never be shown."""

import pytest

from bridge.config.secret import Properties, Url, holds_mask, is_secret, masked_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://guest:s3cret@rabbit:5672//", "amqp://guest:***@rabbit:5672//"),
        ("redis://:s3cret@redis/0", "redis://:***@redis/0"),
        ("amqp://u:s3:cr/et@1@rabbit/", "amqp://u:***@rabbit/"),
        ("amqp://u:s3cret?x@rabbit/", "amqp://u:***@rabbit/"),
        ("amqp://u@tenant:s3cret@rabbit/", "amqp://u@tenant:***@rabbit/"),
        ("amqp://u/x:s3cret@rabbit/", "amqp://u/x:***@rabbit/"),
        ("kombu+amqp://u:s3cret@rabbit/", "kombu+amqp://u:***@rabbit/"),
        ("sqla+postgresql://u:s3cret@db/x", "sqla+postgresql://u:***@db/x"),
        (
            "sentinel://h1:26379;sentinel://:s3cret@h2:26379;sentinel://:s3cret2@h3",
            "sentinel://h1:26379;sentinel://:***@h2:26379;sentinel://:***@h3",
        ),
        ("rediss://r/0?ssl_cert_reqs=required&password=s3cret", "rediss://r/0?ssl_cert_reqs=required&password=***"),
        ("u:s3cret@rabbit", "u:***@rabbit"),
        ("amqp:u:s3cret@rabbit", "amqp:***@rabbit"),
        ("amqp:/u:s3cret@rabbit", "amqp:***@rabbit"),
    ],
)
def test_a_password_is_masked(text: str, shown: str) -> None:
    """No form of a URL, however malformed, shows its password."""
    assert masked_url(text) == shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "text",
    ["amqp://", "amqp://rabbit:5672//", "amqp://user@rabbit/", "redis://h/0?db=1", "-", "a/b@c.jsonl", "x.jsonl"],
)
def test_what_holds_no_password_is_shown_whole(text: str) -> None:
    """Masking changes nothing else."""
    assert masked_url(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "sasl.password", "ssl.key.password", "sasl.jaas.config", "ssl.keystore.key", "ssl.key.pem", "client_secret",
        "sasl.oauthbearer.client.secret", "access_token", "SASL.PASSWORD",
    ],
)  # fmt: skip
def test_secret_by_name(name: str) -> None:
    """A property that sounds like a secret is one."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["sasl.username", "ssl.ca.location", "sasl.oauthbearer.token.endpoint.url", "linger.ms", "ssl.key.location"]
)
def test_no_secret_by_name(name: str) -> None:
    """Where something is found is no secret."""
    assert not is_secret(name)


def test_url_shows_only_its_masked_form() -> None:
    """str, repr and format of a Url mask; only `value` holds the whole."""
    url = Url("amqp://u:s3cret@rabbit/")

    assert url.value == "amqp://u:s3cret@rabbit/"
    assert str(url) == f"{url}" == url.masked == "amqp://u:***@rabbit/"
    assert repr(url) == "Url('amqp://u:***@rabbit/')"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [("AMQP://h", "amqp"), ("kombu+redis://h", "kombu+redis"), ("x.jsonl", ""), ("-", ""), ("./odd://x", "")],
)
def test_scheme_of_a_url(text: str, scheme: str) -> None:
    """The scheme is in lower case, and empty for a path."""
    assert Url(text).scheme == scheme


def test_properties_are_a_mapping_whose_repr_masks() -> None:
    """They compare and read like a dict, and their repr shows no secret."""
    properties = Properties({"sasl.password": "s3cret", "client.id": "x"})

    assert properties == {"sasl.password": "s3cret", "client.id": "x"}
    assert dict(properties)["sasl.password"] == "s3cret"
    assert hash(properties) == hash(Properties(dict(properties)))
    assert repr(properties) == "Properties({'sasl.password': '***', 'client.id': 'x'})"


def test_a_copied_mask_is_recognised() -> None:
    """A URL whose secret is the mask itself was copied from a masked print."""
    assert holds_mask("amqp://u:***@rabbit/")
    assert holds_mask("redis://r/0?password=***")
    assert not holds_mask("amqp://u:s3cret@rabbit/***")
    assert not holds_mask("events-***.jsonl")
