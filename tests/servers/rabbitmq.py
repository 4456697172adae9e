"""A real RabbitMQ node for tests, beside any other on the machine. Needs Debian's rabbitmq-server."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from amqp import Connection
from amqp.exceptions import NotFound

from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, folder

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")

_CONF = """\
listeners.tcp.default = {port}
loopback_users = none
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
"""


def why_not() -> str:
    """Why there can be no RabbitMQ here; empty when there can be one."""
    if not (_PROGRAMS / "rabbitmq-server").exists():
        return "rabbitmq-server is not installed (Debian: rabbitmq-server)"
    return ""


class RabbitServer:
    """
    One node with its own name, ports, data and log; a context manager that runs it. User and password are guest.

    Args:
        streams: whether it speaks the stream protocol, on `stream_port`.
        plugins: to enable besides, e.g. ["rabbitmq_management"].
        conf: more lines of rabbitmq.conf.
        advanced: the text of advanced.config, in Erlang.
    """

    def __init__(
        self, *, streams: bool = True, plugins: list[str] | None = None, conf: str = "", advanced: str = "[]."
    ) -> None:
        self.folder = folder("rabbitmq")
        self.port, self.stream_port, distribution = free_ports(3)
        enabled = [*(plugins or []), *(["rabbitmq_stream"] if streams else [])]
        (self.folder / "plugins").write_text(f"[{','.join(enabled)}].\n")
        if streams:
            conf += f"stream.listeners.tcp.1 = {self.stream_port}\n"
        (self.folder / "rabbitmq.conf").write_text(_CONF.format(port=self.port) + conf)
        (self.folder / "advanced.config").write_text(advanced + "\n")
        self._node = f"t{self.port}@localhost"
        self._environment = os.environ | {
            "HOME": str(self.folder),  # its cookie: RabbitMQ will not share one with another user
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            # Two schedulers are enough here, and busy waiting would take the cores from the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        self._user: str | None = None
        if os.geteuid() == 0:  # Debian's scripts run the node as this user, so it has to own the files
            self._user = "rabbitmq"
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, pwd.getpwnam(self._user).pw_uid, -1)
        self.process = ServerProcess(
            [str(_PROGRAMS / "rabbitmq-server")],
            log=self.folder / "server.log",
            environment=self._environment,
            cwd=self.folder,
            user=self._user,
        )

    @property
    def url(self) -> str:
        """Of its default virtual host, as guest."""
        return self.url_of("guest", "guest")

    def url_of(self, user: str, password: str, vhost: str = "/") -> str:
        """As that user, on that virtual host."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    def start(self, *, wait: bool = True) -> None:
        """
        Start it, on its own data after the first time; returns when it serves (5-10 s), with `wait` False at once.

        Raises:
            RuntimeError: it did not come up; holds the end of its log.
        """
        self.process.start()
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it serves."""
        self.process.wait_until(self.answers, within=90)

    def stop(self) -> None:
        """A clean stop: connections are closed with a word, durable things are on disk."""
        self.process.stop()
        self._end_vm()

    def kill(self) -> None:
        """kill -9 to the Erlang machine and the scripts around it."""
        self.process.kill()
        self._end_vm()

    def _end_vm(self) -> None:
        # the node registers its name at epmd, which is shared: a name still taken would refuse the next start
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "pid").read_text())
            if f"{self._node}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, 9)

    def answers(self) -> bool:
        """Whether it serves: it accepts connections before that, so it is asked for the greeting of AMQP."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
        return False

    def ctl(self, *arguments: str) -> str:
        """
        `rabbitmqctl`: add_user, set_permissions, list_queues, close_all_connections ... (1-2 s each).

        Raises:
            RuntimeError: it failed; holds what it said.
        """
        command = [str(_PROGRAMS / "rabbitmqctl"), "-q", "-n", self._node, *arguments]
        done = subprocess.run(
            command,
            env=self._environment,
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def connect(self, vhost: str = "/", **options: Any) -> Connection:
        """A connection of py-amqp, open; a context manager."""
        connection = Connection(f"127.0.0.1:{self.port}", "guest", "guest", virtual_host=vhost, **options)
        connection.connect()
        return connection

    def depth(self, queue: str, vhost: str = "/") -> int | None:
        """How many messages wait in the queue (those at a consumer are not among them); None when it is not there."""
        with self.connect(vhost) as connection:
            try:
                declared = connection.channel().queue_declare(queue, passive=True, auto_delete=False)
            except NotFound:
                return None
            return int(declared.message_count)

    def wait_for_depth(self, queue: str, count: int, within: float = 30) -> None:
        """
        Wait until so many messages wait in the queue: who left may have settled, or given back, a moment before.

        Raises:
            AssertionError: they do not.
        """
        deadline = time.monotonic() + within
        while (found := self.depth(queue)) != count:
            assert time.monotonic() < deadline, f"{found} messages in {queue}, not {count}, after {within} s"
            time.sleep(0.05)

    def delete(self, queue: str) -> None:
        """Delete it, whatever it holds; nothing when it is not there. After a crash it may be away for some seconds."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with self.connect() as connection:
                    connection.channel().queue_delete(queue)
            except NotFound as error:
                if "inaccessible" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def queues(self) -> list[str]:
        """The names of all queues on the default virtual host."""
        return sorted(line for line in self.ctl("list_queues", "name", "--no-table-headers").split() if line)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
