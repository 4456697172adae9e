"""
A real Apache Kafka broker (KRaft: no ZooKeeper, no container) for tests. Needs Java 17 and, once, Maven.

`python -m tests.servers.kafka fetch` copies its jars to the cache (43 MiB, 5-15 s), where every later run finds them.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, folder

_POM = Path(__file__).with_name("pom.xml")
_CHECKOUT = Path(__file__).parents[2]
LIBS = Path(os.environ.get("CELERY_BRIDGE_TEST_CACHE") or _CHECKOUT / ".cache").resolve() / "kafka"
"""Where the jars are. Read from the environment once, before tests change it."""

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"  # 16 bytes in base64, any
_JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_SETTINGS: Mapping[str, object] = {
    "node.id": 1,
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "log.cleaner.dedupe.buffer.size": 2000000,
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,  # a start after kill -9 waits for it; 1000 fences brokers on a loaded machine
}


def why_not() -> str:
    """Why there can be no Kafka here; empty when there can be one, at most after a fetch."""
    if shutil.which("java") is None:
        return "java is not installed (Debian: openjdk-17-jre-headless)"
    if not _fetched() and shutil.which("mvn") is None:
        return "its jars are not in the cache and Maven is not installed (Debian: maven)"
    return ""


def fetch() -> Path:
    """
    Copy Kafka and all it needs at run time to the cache, once; safe when several runs do so at the same time.

    The JVM also writes the classes that one run loads to an archive there: every later start takes a third of the time.

    Raises:
        subprocess.CalledProcessError, subprocess.TimeoutExpired: Maven could not.
    """
    LIBS.mkdir(parents=True, exist_ok=True)
    with (LIBS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _fetched():
            mvn = ["mvn", "-q", "-B", "-f", str(_POM), _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={LIBS}"]
            subprocess.run(mvn, check=True, timeout=600, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            with KafkaServer(jvm=[f"-XX:ArchiveClassesAtExit={LIBS}/kafka.jsa"]) as once:
                once.stop()
            (LIBS / ".complete").touch()
    return LIBS


def _fetched() -> bool:
    return (LIBS / ".complete").exists()


class KafkaServer:
    """
    One node that is broker and controller, on 127.0.0.1, with data of its own; a context manager that runs it.

    It makes no topics by itself. `bootstrap` is its PLAINTEXT address, which is always there.

    Args:
        listeners: more listeners, name -> protocol: {"AUTH": "SASL_SSL"}; see `address` and tests/servers/tls.py.
        proxied: those of them that clients reach through a proxy: they are told a port of its own; see `through`.
        settings: more lines of server.properties, or other values.
        scram: users of SCRAM-SHA-512 and their passwords.
        jvm: options of the JVM instead of the class archive.
    """

    def __init__(
        self,
        *,
        listeners: Mapping[str, str] | None = None,
        proxied: Sequence[str] = (),
        settings: Mapping[str, object] | None = None,
        scram: Mapping[str, str] | None = None,
        jvm: list[str] | None = None,
    ) -> None:
        self._jvm = jvm if jvm is not None else [f"-XX:SharedArchiveFile={LIBS}/kafka.jsa"]
        self._scram = dict(scram or {})
        self.folder = folder("kafka")
        names = {"INTERNAL": "PLAINTEXT", **(listeners or {}), "CONTROLLER": "PLAINTEXT"}
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._proxies = dict(zip(proxied, free_ports(len(proxied)), strict=True))
        self.bootstrap = self.address("INTERNAL")
        urls = [f"{name}://{self.address(name)}" for name in names]
        told = [f"{name}://127.0.0.1:{self._proxies.get(name, self._ports[name])}" for name in names][:-1]
        self._settings = {
            **_SETTINGS,
            "log.dirs": self.folder / "data",
            "listeners": ",".join(urls),
            "advertised.listeners": ",".join(told),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in names.items()),
            "controller.quorum.voters": f"1@{self.address('CONTROLLER')}",
            **(settings or {}),
        }
        properties = self.folder / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._settings.items()))
        self.process = ServerProcess(self._java("kafka.Kafka", str(properties)), log=self.folder / "server.log")

    def address(self, listener: str) -> str:
        """host:port of a listener."""
        return f"127.0.0.1:{self._ports[listener]}"

    def through(self, listener: str) -> tuple[int, int]:
        """Of a proxied listener: the port where the proxy has to listen, and the port it has to forward to."""
        return self._proxies[listener], self._ports[listener]

    def start(self, *, wait: bool = True) -> None:
        """
        Start it, on its own data after the first time; returns when it answers requests (1-2 s, 4 s after a kill -9).

        A test whose event loop must turn meanwhile does not wait, and polls `answers`. Not from another thread: the
        server would end with it.

        Raises:
            RuntimeError: it did not come up; holds the end of its log.
        """
        if not (self.folder / "data").exists():
            self._format()
        self.process.start()
        if wait:
            self.process.wait_until(self.answers)

    def stop(self) -> None:
        """A clean stop: its clients are told, its log is flushed."""
        self.process.stop()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def freeze(self) -> None:
        """Connections stay and nobody answers, until `resume`."""
        self.process.freeze()

    def resume(self) -> None:
        """End `freeze`."""
        self.process.resume()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _java(self, *command: str) -> list[str]:
        return ["java", *_JVM, *self._jvm, "-cp", f"{LIBS}/*", *command]

    def _format(self) -> None:
        users = [f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in self._scram.items()]
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self.folder / "server.properties")]
        with (self.folder / "server.log").open("ab") as log:
            subprocess.run(self._java(*tool, *users), stdout=log, stderr=log, check=True, timeout=60)

    def answers(self) -> bool:
        """Whether it answers ApiVersions (version 0): it accepts connections long before it serves requests."""
        request = struct.pack(">ihhih4s", 14, 18, 0, 1, 4, b"test")
        address = ("127.0.0.1", self._ports["INTERNAL"])
        with contextlib.suppress(OSError), socket.create_connection(address, 1) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) == 8
        return False


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: python -m tests.servers.kafka fetch")
    fetch()
