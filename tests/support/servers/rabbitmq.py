"""A RabbitMQ of one's own: Debian's, on ports and in a folder of this test."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.ports import find_free_port
from tests.support.programs.processes import Program, find_pids_by_environment

START_TIMEOUT_SECONDS = 60.0
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Debian's wrapper around it insists on its own user; the server itself does not."""


class RabbitMQ:
    """One node, which may be killed and started again on its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.mapper = str(find_free_port())
        self.starts = 0
        self.program: Program | None = None
        self._distribution = str(find_free_port())

    @staticmethod
    def is_installed() -> bool:
        """Whether there is one on this machine."""
        return shutil.which("rabbitmq-server") is not None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        command = str(SERVER if SERVER.exists() else shutil.which("rabbitmq-server"))
        log = self.folder / f"server-{self.starts}.log"
        self.program = Program([command], log, self._environment())
        self.program.wait_for_output("completed with", START_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End it by force, with all that it has started."""
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
