"""A real Redis for tests. Needs Debian's redis-server."""

import contextlib
import shutil
import socket
from typing import Any, Self

from redis import Redis

from tests.servers.ports import free_port
from tests.servers.process import ServerProcess, folder


def why_not() -> str:
    """Why there can be no Redis here; empty when there can be one."""
    return "" if shutil.which("redis-server") else "redis-server is not installed (Debian: redis-server)"


class RedisServer:
    """
    One server on 127.0.0.1 that saves nothing; a context manager that runs it.

    Args:
        options: redis-server's own: "--requirepass", "x" or "--client-output-buffer-limit", "pubsub 1mb 1mb 1".
        tls: serve TLS and nothing else; `options` name the certificates.
    """

    def __init__(self, *options: str, tls: bool = False) -> None:
        self.folder = folder("redis")
        self.port = free_port()
        ports = ("--port", "0", "--tls-port", str(self.port)) if tls else ("--port", str(self.port))
        fixed = (*ports, "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder))
        self._tls = tls
        self.process = ServerProcess(["redis-server", *fixed, *options], log=self.folder / "server.log")

    @property
    def url(self) -> str:
        """Of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """
        Start it, empty; returns when it answers.

        Raises:
            RuntimeError: it did not come up; holds the end of its log.
        """
        self.process.start()
        self.process.wait_until(self._answers, within=30)

    def stop(self) -> None:
        """A clean stop."""
        self.process.stop()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            if self._tls:
                return True  # it serves as soon as it listens
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in (b"+", b"-")
        return False

    def client(self, **options: Any) -> "Redis":
        """A client for database 0; a context manager."""
        return Redis(port=self.port, **options)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sentinel(RedisServer):
    """
    One that watches a master alone and takes it for dead after half a second.

    Args:
        master: known to it as `mymaster`.
        settings: lines of its configuration.
    """

    def __init__(self, master: RedisServer, *settings: str) -> None:
        super().__init__()
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"sentinel monitor mymaster 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
            *settings,
        ]
        configuration = self.folder / "sentinel.conf"  # it writes into it
        configuration.write_text("\n".join(lines) + "\n")
        self.process = ServerProcess(["redis-server", str(configuration), "--sentinel"], log=self.folder / "server.log")
