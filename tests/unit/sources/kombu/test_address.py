"""bridge.sources.kombu.address"""

import ssl

import pytest

from bridge.errors import ConfigError
from bridge.sources.kombu.address import HEARTBEAT_SECONDS, Address, addresses


def one(url: str) -> Address:
    (address,) = addresses(url)
    return address


def test_an_amqp_url() -> None:
    """Host, port, virtual host, login; a heartbeat, which Celery's own event connection has not."""
    address = one("amqp://user:p%40ss@rabbit:5673/prod%2Fa")
    parameters = dict(address.parameters)
    assert (address.kind, parameters["hostname"], parameters["port"]) == ("amqp", "rabbit", 5673)
    assert (parameters["userid"], parameters["password"]) == ("user", "p@ss")
    assert parameters["virtual_host"] == "prod/a"
    assert parameters["heartbeat"] == HEARTBEAT_SECONDS
    assert "ssl" not in parameters


def test_a_bare_url_is_the_local_broker() -> None:
    """As Celery understands amqp://."""
    client = one("amqp://").client({})
    assert client.as_uri() == "amqp://guest:**@localhost:5672//"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://user:hunter2@h:5672/v?login_method=PLAIN",
        "redis://:hunter2@h/0",
        "redis://h/0?client_name=hunter2",
        "amqp://user:hun:hunter2@h/v",
        "amqp://user:a/hunter2@h/v",
        "amqp://user:hunter2/x@h/v",
        "amqp://user:123?hunter2@h/v",
        "amqp://user:123#hunter2@h/v",
        "kombu+amqp://user:hunter2@h",
        "redis://h/0?client_name=x@hunter2",
    ],
)
def test_no_secret_is_shown(url: str) -> None:
    """Neither in what logs show nor in the repr."""
    try:
        told = [f"{address.shown} {address!r}" for address in addresses(url)]
    except ConfigError as error:
        told = [str(error)]
    assert told
    assert "hunter2" not in "".join(told)


def test_alternatives_are_tried_in_turn() -> None:
    """Kombu separates them by semicolons; sentinels stay together, they are asked for one master."""
    assert [a.shown for a in addresses("amqp://a//;amqp://b//")] == ["amqp://a//", "amqp://b//"]
    url = "sentinel://a:26379;sentinel://b:26379/0?master_name=mymaster"
    address = one(url)
    assert address.shown == "sentinel://a:26379;sentinel://b:26379/0"
    assert address.options["master_name"] == "mymaster"
    assert address.client({}).alt == ["sentinel://a:26379", "sentinel://b:26379/0"]


@pytest.mark.parametrize("url", ["amqps://h:5671//", "amqp://h//?ssl_ca_certs=/ca.pem"])
def test_tls_of_amqp_verifies_chain_and_host(url: str) -> None:
    """py-amqp checks no name unless it is given one."""
    settings = one(url).parameters["ssl"]
    assert settings["cert_reqs"] == ssl.CERT_REQUIRED
    assert settings["server_hostname"] == "h"
    assert settings.get("ca_certs") == ("/ca.pem" if "ca.pem" in url else None)


def test_tls_of_redis_verifies_chain_and_host() -> None:
    """Kombu's rediss:// would verify nothing."""
    settings = one("rediss://h/0?ssl_ca_certs=/ca.pem").parameters["ssl"]
    expected = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, "ssl_ca_certs": "/ca.pem"}
    assert settings == expected


@pytest.mark.parametrize(
    "query",
    ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_OPTIONAL", "ssl_check_hostname=false", "ssl_verify=no"],
)
@pytest.mark.parametrize("scheme", ["amqps", "rediss"])
def test_verification_cannot_be_switched_off(scheme: str, query: str) -> None:
    """TLS without it keeps nobody out."""
    with pytest.raises(ConfigError, match=r"ssl_"):
        addresses(f"{scheme}://h/0?{query}")


def test_verification_may_be_asked_for() -> None:
    """URLs that Celery users have say ssl_cert_reqs=required."""
    assert one("rediss://h/0?ssl_cert_reqs=required").parameters["ssl"]["ssl_cert_reqs"] == ssl.CERT_REQUIRED


def test_parameters_of_other_transports_are_options() -> None:
    """Typed as Python types them."""
    options = one("redis://h/3?global_keyprefix=gk:&fanout_prefix=false&max_connections=7&polling_interval=0.5").options
    assert options["global_keyprefix"] == "gk:"
    assert options["fanout_prefix"] is False
    assert options["max_connections"] == 7
    assert options["polling_interval"] == 0.5


def test_polling_is_quick() -> None:
    """Kombu's second between polls would be the latency of every event."""
    assert one("memory://").options["polling_interval"] == 0.02


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("rabbit", "no scheme"),
        ("rabbit://h", "no such transport"),
        ("sqs://", "does not carry"),
        ("sqla+sqlite:///x.db", "does not carry"),
        ("SQS://", "does not carry"),
        ("amqp://h:port//", "port"),
        ("amqp://h//?foo=1", "unknown parameter foo"),
        ("amqp://h//?heartbeat=0", "heartbeat"),
    ],
)
def test_what_can_never_work_is_said(url: str, words: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigError, match=words):
        addresses(url)


def test_parameters_for_other_sources_are_passed_over() -> None:
    """The same URL may be read by a stream source."""
    assert one("amqp://h//?stream_port=5552").parameters["hostname"] == "h"
