"""Run Debian's RabbitMQ on free ports, in a folder of the test."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.ports import find_free_port
from tests.support.programs.processes import Program, find_pids_by_environment

START_TIMEOUT_SECONDS = 60.0
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The server itself: Debian's wrapper in /usr/sbin insists on the user ``rabbitmq``."""


class RabbitMQ:
    """One node, which a test can kill and start again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.mapper = str(find_free_port())
        self.starts = 0
        self.program: Program | None = None
        self._distribution = str(find_free_port())

    @staticmethod
    def is_installed() -> bool:
        """Whether RabbitMQ is installed."""
        return shutil.which("rabbitmq-server") is not None

    @property
    def url(self) -> str:
        """The AMQP URL of the node."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start the node and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        command = str(SERVER if SERVER.exists() else shutil.which("rabbitmq-server"))
        log = self.folder / f"server-{self.starts}.log"
        self.program = Program([command], log, self._environment())
        self.program.wait_for_output("completed with", START_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """Kill the node and every process that it has started."""
        if self.program:
            self.program.kill()
        for pid in find_pids_by_environment(f"ERL_EPMD_PORT={self.mapper}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"continuo{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": self._distribution,
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "ERL_EPMD_PORT": self.mapper,
        }
