"""Passwords reach the servers and nothing else."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.tls import certificates, secured

pytestmark = pytest.mark.servers("rabbitmq")

BROKER_PASSWORD, SASL_PASSWORD, WRONG_PASSWORD = "canary/of rabbitmq", "canary/of kafka", "canary/nobody has"
"""They need quoting in a URL, so that there is more than one spelling to look for."""


def spellings(password: str) -> list[bytes]:
    """How a password may stand in some text: plain, quoted for a URL, in the base64 of SASL PLAIN, escaped."""
    user = b"\0bob\0" + password.encode()
    encoded = [base64.b64encode(text)[:-4] for text in (password.encode(), user)]
    return [password.encode(), quote(password, safe="").encode(), password.replace("/", "\\/").encode(), *encoded]


def assert_silent(process: BridgeProcess) -> None:
    """None of them is in what it printed."""
    printed = process.stdout + process.stderr.encode()
    assert printed
    for password in (BROKER_PASSWORD, SASL_PASSWORD, WRONG_PASSWORD):
        for spelling in spellings(password):
            assert spelling not in printed, process.stderr


def test_no_password_is_ever_printed(
    bridge: StartBridge,
    kafka_servers: Callable[..., KafkaServer],
    rabbitmq: RabbitServer,
    group: str,
    tmp_path: Path,
) -> None:
    """
    Neither when all goes well, nor when a server is gone, refuses a password or an option is wrong: at the log level
    debug no password is on stdout or stderr, however it is spelled.
    """
    folder = certificates(tmp_path)
    kafka = kafka_servers(listeners={"AUTH": "SASL_SSL"}, settings=secured("AUTH", folder, {"bob": SASL_PASSWORD}))
    topic = Topic(kafka)
    rabbitmq.ctl("add_user", group, BROKER_PASSWORD)
    rabbitmq.ctl("set_permissions", group, ".*", ".*", ".*")
    url = rabbitmq.url_of(group, quote(BROKER_PASSWORD, safe=""))
    to = f"kafka://{kafka.address('AUTH')}/{topic.name}"
    sasl = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "bob"}
    sasl |= {"sasl.password": SASL_PASSWORD, "ssl.ca.location": str(folder / "ca.pem")}

    def start(*arguments: str, url: str = url, to: str = to, **properties: str) -> BridgeProcess:
        flags = [f"-X{name}={value}" for name, value in (sasl | properties).items()]
        ends = ("--from", url, "--group", group, "--to", to)
        return bridge("run", *ends, *flags, "--log-level", "debug", *arguments)

    process = start()
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(100)
        traffic.wait()
        assert topic.account(traffic.accepted, meanwhile=process.assert_running).faults == {}
        with rabbitmq.connect() as connection:  # the source's consumer is cancelled
            connection.channel().queue_delete(f"celeryev.bridge.{group}")
        process.wait_for("broker connected", times=2)
        kafka.kill()
        traffic.add(100)
        traffic.wait()
        process.wait_for("waiting for kafka")
    process.kill()
    assert_silent(process)

    nobody = start(url=rabbitmq.url_of(group, quote(WRONG_PASSWORD, safe="")))
    nobody.wait_for("broker not reached, trying again")
    nobody.kill()
    assert_silent(nobody)
    kafka.start()
    refused = start("--fail-fast", **{"sasl.password": WRONG_PASSWORD})
    assert refused.ended() == 77
    assert_silent(refused)
    wrong = start("--prefetch", "none", "--group", "*", url=url + "?" + quote(WRONG_PASSWORD), to=to + "/" + "x" * 300)
    assert wrong.ended() == 78
    assert_silent(wrong)
    rabbitmq.ctl("delete_user", group)
