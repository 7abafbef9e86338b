"""Real workers, and what a test sees of their jobs."""

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


class WorkerProgram(Program):
    """``celery -A project worker`` with the kinds of ``tests.support.apps.kinds``."""

    def __init__(self, folder: Path, name: str, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=INFO"]
        command += ["--include=tests.support.apps.kinds", f"--hostname={name}@test"]
        command += ["--without-mingle", "--without-gossip"]  # a second each at the start
        super().__init__([*command, *options], folder / f"{name}.log", environment)

    def ready(self) -> "WorkerProgram":
        """Wait until it takes jobs."""
        self.wait_for_output(" ready.")
        return self

    def processes(self) -> list[int]:
        """Its main process and those of its pool."""
        return [self.pid, *list_children(self.pid)]


class Workers:
    """The workers of a test, or of a module; whoever is left at the end is killed."""

    def __init__(self, folder: Path, url: str, client: redis.Redis) -> None:
        self.folder = folder
        self.url = url
        self.redis = client
        self.redis.flushall()
        self.started: list[WorkerProgram] = []

    def start(self, *options: str, **environment: str) -> WorkerProgram:
        """Start a worker; it is not ready yet."""
        name = f"w{len(self.started) + 1}"
        defaults = {"REDIS_URL": self.url, "LEASE_SECONDS": "2", "DATA_DIR": str(self.folder)}
        worker = WorkerProgram(self.folder, name, *options, **(defaults | environment))
        self.started.append(worker)
        return worker

    def stop(self) -> None:
        """End them all."""
        for worker in self.started:
            worker.kill()


class JobInspector:
    """What a test sees of its jobs from outside, and does to them."""

    def __init__(self, app: Continuo, client: redis.Redis) -> None:
        self.app = app
        self.redis = client

    def record(self, job_id: str) -> TaskRecord:
        """The record as it is."""
        found: TaskRecord | None = self.app.AsyncResult(job_id).record
        assert found is not None
        return found

    def has_record(self, job_id: str) -> bool:
        """Whether there is a record."""
        return self.app.AsyncResult(job_id).record is not None

    def wait_for_status(self, job_id: str, status: str, seconds: float = 15.0) -> TaskRecord:
        """The record when it has this status."""
        wait_until(lambda: self.record(job_id).status == status, seconds)
        return self.record(job_id)

    def wait_until_final(self, job_id: str, seconds: float = 15.0) -> TaskRecord:
        """The record when it is final."""
        wait_until(lambda: self.record(job_id).is_final, seconds)
        return self.record(job_id)

    def wait_for_attempts(self, job_id: str, attempts: int, seconds: float = 15.0) -> TaskRecord:
        """The record when so many attempts are over."""

        def is_over(record: TaskRecord) -> bool:
            return record.attempts >= attempts and record.status != TaskStatus.RUNNING

        wait_until(lambda: is_over(self.record(job_id)), seconds)
        return self.record(job_id)

    def wait_until_held(self, job_id: str, seconds: float = 15.0) -> int:
        """The process that has begun to run this ``tests.hold``."""
        answer = self.redis.blpop([f"tests:held:{job_id}"], seconds)
        assert answer, f"job {job_id} was not run within {seconds:g} s"
        return int(answer[1])

    def release(self, pid: int) -> None:
        """Let the ``tests.hold`` that runs in this process end."""
        self.redis.rpush(f"tests:go:{pid}", 1)

    def find_due_time(self, job_id: str) -> float | None:
        """When its message goes on its queue; None when none waits."""
        return self.redis.zscore("continuo:scheduled", job_id)

    def make_due(self, job_id: str) -> None:
        """Put a message that waits for its time on its queue now."""
        self.redis.zadd("continuo:scheduled", {job_id: time.time() - 1}, xx=True)
        self.app.store.run(maintenance.promote(100))

    def list_messages(self, queue: str = "celery") -> list[str]:
        """The messages that wait for a worker."""
        messages: Any = self.redis.lrange(queue, 0, -1)
        return list(messages)

    def find_waiting_connection(self) -> list[str]:
        """The connection on which the one worker waits for jobs; none while it does not."""
        blocked = (each for each in self.redis.client_list() if "b" in each["flags"])
        found = [each for each in blocked if each["cmd"] == "brpop"]
        assert len(found) <= 1, found
        return [each["id"] for each in found]

    def count_unacked(self) -> int:
        """The messages that workers hold."""
        return sum(self.redis.hlen(key) for key in self.redis.scan_iter("continuo:unacked:*"))

    def count_deaths(self, job_id: str) -> int:
        """How often the job has killed the process that ran it."""
        return int(self.redis.hget(f"continuo:job:{job_id}", "deaths") or 0)

    def count_slots(self) -> int:
        """The pool slots of all workers that live."""
        count: int = self.app.store.run(statistics.read_stats()).worker_count
        return count

    def find_first_lease_end(self) -> float:
        """When the first lease ends, seconds since the epoch."""
        first: Any = self.redis.zrange("continuo:workers", 0, 0, withscores=True)
        return float(first[0][1])
