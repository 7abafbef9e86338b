"""Worker processes, and a look at their jobs from outside."""

import sys
import time
from pathlib import Path
from typing import Any

import redis

from project.celery import Continuo
from project.records.record import TaskRecord, TaskStatus
from project.store.commands import maintenance, statistics
from tests.support.programs.processes import Program, list_children
from tests.support.waiting import wait_until

UNWATCHED_QUEUE = "nobody-listens"
"""A queue from which the workers of tests do not take."""


class WorkerProgram(Program):
    """``celery -A project worker`` with the job kinds of ``tests.support.apps``."""

    def __init__(self, folder: Path, name: str, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=INFO"]
        command += ["--include=tests.support.apps.stock", f"--hostname={name}@test"]
        command += ["--without-mingle", "--without-gossip"]  # they cost a second each at start
        super().__init__([*command, *options], folder / f"{name}.log", environment)

    def ready(self) -> "WorkerProgram":
        """Wait until the worker takes jobs."""
        self.wait_for_output(" ready.")
        return self

    def processes(self) -> list[int]:
        """The ids of the main process and the pool processes."""
        return [self.pid, *list_children(self.pid)]


class Workers:
    """The workers of a test or a module, on an empty Redis; ``stop`` kills all of them."""

    def __init__(self, folder: Path, url: str, client: redis.Redis) -> None:
        self.folder = folder
        self.url = url
        self.redis = client
        self.redis.flushall()
        self.started: list[WorkerProgram] = []

    def start(self, *options: str, **environment: str) -> WorkerProgram:
        """Start a worker without waiting until it is ready."""
        name = f"w{len(self.started) + 1}"
        defaults = {
            "REDIS_URL": self.url,
            "LEASE_SECONDS": "2",
            "DATA_DIR": str(self.folder),
            "CONTINUO_EXCLUDED_QUEUES": UNWATCHED_QUEUE,
        }
        worker = WorkerProgram(self.folder, name, *options, **(defaults | environment))
        self.started.append(worker)
        return worker

    def stop(self) -> None:
        """Kill all workers."""
        for worker in self.started:
            worker.kill()


class JobInspector:
    """Reads and changes the jobs of a test from outside the worker."""

    def __init__(self, app: Continuo, client: redis.Redis) -> None:
        self.app = app
        self.redis = client

    def record(self, job_id: str) -> TaskRecord:
        """The job's record; fails when there is none."""
        found: TaskRecord | None = self.app.AsyncResult(job_id).record
        assert found is not None
        return found

    def has_record(self, job_id: str) -> bool:
        """Whether the job has a record."""
        return self.app.AsyncResult(job_id).record is not None

    def wait_for_status(self, job_id: str, status: str, seconds: float = 15.0) -> TaskRecord:
        """Wait until the job has this status; returns the record."""
        wait_until(lambda: self.record(job_id).status == status, seconds)
        return self.record(job_id)

    def wait_until_final(self, job_id: str, seconds: float = 15.0) -> TaskRecord:
        """Wait until the job has a final status; returns the record."""
        wait_until(lambda: self.record(job_id).is_final, seconds)
        return self.record(job_id)

    def wait_for_attempts(self, job_id: str, attempts: int, seconds: float = 15.0) -> TaskRecord:
        """Wait until this number of attempts has ended; returns the record."""

        def is_over(record: TaskRecord) -> bool:
            return record.attempts >= attempts and record.status != TaskStatus.RUNNING

        wait_until(lambda: is_over(self.record(job_id)), seconds)
        return self.record(job_id)

    def wait_until_held(self, job_id: str, seconds: float = 15.0) -> int:
        """Wait until this ``tests.hold`` runs; returns the id of its process."""
        answer = self.redis.blpop([f"tests:held:{job_id}"], seconds)
        assert answer, f"job {job_id} was not run within {seconds:g} s"
        return int(answer[1])

    def release(self, pid: int) -> None:
        """End the ``tests.hold`` that runs in this process."""
        self.redis.rpush(f"tests:go:{pid}", 1)

    def find_due_time(self, job_id: str) -> float | None:
        """When the delayed job is due (seconds since the epoch); None when it is not delayed."""
        return self.redis.zscore("continuo:scheduled", job_id)

    def make_due(self, job_id: str) -> None:
        """Put a delayed job on its queue now."""
        self.redis.zadd("continuo:scheduled", {job_id: time.time() - 1}, xx=True)
        self.app.store.run(maintenance.promote(100))

    def list_messages(self, queue: str = "celery") -> list[str]:
        """The messages on the queue."""
        messages: Any = self.redis.lrange(queue, 0, -1)
        return list(messages)

    def find_waiting_connections(self) -> list[str]:
        """The ids of the connections on which processes wait for jobs."""
        blocked = (each for each in self.redis.client_list() if "b" in each["flags"])
        return [each["id"] for each in blocked if each["cmd"] == "brpop"]

    def count_unacked(self) -> int:
        """The number of messages that workers have taken and not acknowledged."""
        return sum(self.redis.hlen(key) for key in self.redis.scan_iter("continuo:unacked:*"))

    def count_deaths(self, job_id: str) -> int:
        """How many processes have died while they ran the job."""
        return int(self.redis.hget(f"continuo:job:{job_id}", "deaths") or 0)

    def count_slots(self) -> int:
        """The pool slots of all live workers."""
        count: int = self.app.store.run(statistics.read_stats()).worker_count
        return count

    def find_first_lease_end(self) -> float:
        """When the first lease ends, seconds since the epoch."""
        first: Any = self.redis.zrange("continuo:workers", 0, 0, withscores=True)
        return float(first[0][1])
