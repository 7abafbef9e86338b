"""Run one stack with its own Valkey."""

import json
import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

from benchmarks.stacks.registry import Stack
from benchmarks.support.processes import ROOT, MeasuredProgram, read_cpu_seconds, read_memory
from benchmarks.support.waiting import wait_until
from project.local.demo import find_free_ports, send_request
from project.local.valkey import EmbeddedValkey

START_TIMEOUT_SECONDS = 30.0
CALL_TIMEOUT_SECONDS = 600.0


class StackScene:
    """A stack whose processes are started here and end with the ``with`` block."""

    def __init__(self, stack: Stack, folder: Path, valkey: EmbeddedValkey, ends: ExitStack) -> None:
        self.stack = stack
        self.folder = folder
        self.valkey = valkey
        self.port, self.smtp_port, self.flower_port = find_free_ports(3)
        self.redis = redis.Redis.from_url(valkey.url)
        self._cleanup = ends

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes, without the caller's variables."""
        return {
            "PATH": f"{self.stack.programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.valkey.url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SMTP_PORT": str(self.smtp_port),
            "DATA_DIR": str(self.folder),
        }

    def start(
        self, command: list[str], *, pipes: bool = False, **variables: str
    ) -> MeasuredProgram:
        """Start a process of this stack, with more environment variables."""
        program = Path(command[0])
        path = self.stack.programs / program
        log = self.folder / f"{program.name}.log"
        started = MeasuredProgram(
            [str(path), *command[1:]], self.environment | variables, log, pipes=pipes
        )
        self._cleanup.callback(started.kill)
        return started

    def start_worker(self, processes: int = 2, *options: str) -> MeasuredProgram:
        """Start the worker."""
        return self.start([*self.call("worker_command", processes)[0], *options])

    def start_flower(self) -> MeasuredProgram:
        """Start Flower, and wait until it listens to events."""
        patterns = self.redis.pubsub_numpat()
        flower = self.start(self.call("flower_command", self.flower_port)[0])
        wait_until(
            lambda: self.redis.pubsub_numpat() > patterns, START_TIMEOUT_SECONDS, "Flower listens"
        )
        return flower

    def start_api(self) -> MeasuredProgram:
        """Start the API and the driver, and wait until the API answers."""
        program = self.start(self.stack.api(self.port))
        self.call("worker_command", 1)
        wait_until(lambda: self.answers(program), START_TIMEOUT_SECONDS, "the API answers")
        return program

    def answers(self, program: MeasuredProgram) -> bool:
        """Whether the API answers, with any status."""
        program.require_running()
        try:
            return bool(send_request(self.port, "GET", "/reports/none"))
        except OSError:
            return False

    @cached_property
    def driver(self) -> MeasuredProgram:
        """The process that calls the stack's library."""
        return self.start(
            ["python", "-m", "benchmarks.comparison.driver", self.stack.module], pipes=True
        )

    def call(self, name: str, *arguments: Any) -> tuple[Any, float]:
        """Call a function of the stack's module: its result, and its duration in seconds."""
        pipes = self.driver.process
        if not pipes.stdin or not pipes.stdout:
            raise RuntimeError("the driver has no pipes")
        request = json.dumps({"call": name, "arguments": arguments})
        pipes.stdin.write(f"{request}\n".encode())
        pipes.stdin.flush()
        ready, _, _ = select.select([pipes.stdout], [], [], CALL_TIMEOUT_SECONDS)
        line = pipes.stdout.readline() if ready else b""
        if not line:
            self.driver.process.wait(1 if ready else 0)
            self.driver.require_running()
            raise TimeoutError(f"{name} took longer than {CALL_TIMEOUT_SECONDS:g} s")
        reply = json.loads(line)
        return reply["answer"], reply["seconds"]

    def flush(self) -> None:
        """Delete all jobs. kombu's routes stay: a connection writes them only once."""
        routes = {key: self.redis.smembers(key) for key in self.redis.keys("_kombu.binding.*")}
        self.redis.flushall()
        for key, members in routes.items():
            self.redis.sadd(key, *members)

    def valkey_cpu_seconds(self) -> float:
        """The CPU time of the Valkey."""
        return read_cpu_seconds(self.valkey_pid)

    def valkey_memory(self) -> float:
        """The resident bytes of the Valkey."""
        return read_memory(self.valkey_pid)

    @property
    def valkey_pid(self) -> int:
        """The process id of the Valkey."""
        return int(self.redis.info("server")["process_id"])


@contextmanager
def open_scene(stack: Stack, folder: Path) -> Iterator[StackScene]:
    """A scene for the stack in its own folder; its processes end with the block."""
    (port,) = find_free_ports(1)
    folder.mkdir()
    with EmbeddedValkey(folder / "valkey", port) as valkey, ExitStack() as ends:
        yield StackScene(stack, folder, valkey, ends)
