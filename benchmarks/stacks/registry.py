"""The list of stacks."""

import shlex
from pathlib import Path
from typing import NamedTuple

from benchmarks.support.environment import PEERS_ENVIRONMENT
from benchmarks.support.processes import ROOT
from project.local import procfile


class Stack(NamedTuple):
    """A way to run jobs.

    ``jobs_per_second``: its approximate rate, which only decides how many jobs a drain has.
    ``has_flower``: Flower can listen to its workers.
    """

    name: str
    module: str
    jobs_per_second: int = 0
    has_flower: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether this is Continuo."""
        return self.name == OURS.name

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return ROOT / ".venv" / "bin" if self.is_ours else PEERS_ENVIRONMENT / "bin"

    def api(self, port: int) -> list[str]:
        """The command of its API: one process on uvloop."""
        if self.is_ours:
            return shlex.split(procfile.read_commands(ROOT / "Procfile")["web"])
        address = ["--host", "127.0.0.1", "--port", str(port)]
        options = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
        return ["uvicorn", f"{self.module}:app", *address, *options]


OURS = Stack("Continuo", "benchmarks.stacks.ours", 2_500, has_flower=True)
CELERY = Stack("Celery", "benchmarks.peers.celery", 600, has_flower=True)
TASKIQ = Stack("Taskiq", "benchmarks.peers.taskiq", 900)
SAQ = Stack("SAQ", "benchmarks.peers.saq", 1_200)
STACKS = (
    OURS,
    CELERY,
    Stack("RQ", "benchmarks.peers.rq", 300),
    Stack("Dramatiq", "benchmarks.peers.dramatiq", 2_000),
    TASKIQ,
    SAQ,
    Stack("Huey", "benchmarks.peers.huey", 3_000),
)
ASYNC_STACKS = (OURS, TASKIQ, SAQ, Stack("Docket", "benchmarks.peers.docket"))
"""The stacks whose worker runs many ``async def`` jobs at once in one process."""
