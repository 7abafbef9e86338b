"""Sends random calls and messages, and counts those that were neither refused nor ended."""

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from kombu.exceptions import EncodeError

from project.celery import Continuo
from project.errors import ContinuoError, StoreUnavailable
from project.messages.options import check_id
from project.store.commands import maintenance, queries, statistics
from project.store.commands.guard import Fault
from project.worker.upkeep.guard import Guard
from tests.fuzz import jobs
from tests.fuzz.values import make_message, make_options, make_value
from tests.support.programs.workers import Workers
from tests.support.waiting import wait_until

REFUSALS = (ContinuoError, EncodeError, TypeError)
"""How a call may be refused."""

WAIT_SECONDS = 300.0
SEEDED = (jobs.produce, jobs.fail, jobs.state)
DEAD_LETTERS = "continuo:dead_letters"
DELAYED = "continuo:scheduled"


@dataclass
class Figures:
    """What became of the cases."""

    refused: Counter[str] = field(default_factory=Counter)
    crashed: dict[str, str] = field(default_factory=dict)
    """Other errors of calls, and the first call of each."""

    ended: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    dead_letters: int = 0
    lost: list[str] = field(default_factory=list)
    """Jobs whose records are missing or did not end, and readable messages without a trace."""

    faults: list[Fault] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every case was refused as it should, or ended."""
        return not (self.crashed or self.lost or self.faults)


class Fuzzer:
    """Sends cases to a worker that runs on ``client``'s Redis."""

    def __init__(self, app: Continuo, client: redis.Redis, seed: int) -> None:
        self.app = app
        self.redis = client
        self.random = Random(seed)
        self.figures = Figures()
        self.accepted: set[str] = set()
        self.sent: list[bytes] = []

    def run(self, cases: int, folder: Path, url: str, *options: str) -> Figures:
        """Send the cases, half of them calls, wait until all have ended, and count.

        ``options`` are those of the worker.
        """
        workers = Workers(folder, url, self.redis)
        try:
            workers.start("--include=tests.fuzz.jobs", "--loglevel=CRITICAL", *options)
            for number in range(cases):
                self.send_message() if number % 2 else self.call()
            with suppress(pytest.fail.Exception):  # what has not ended is counted
                wait_until(self.is_over, WAIT_SECONDS)
            self.judge()
        finally:
            workers.stop()
        return self.figures

    def call(self) -> None:
        """Call a task with anything; a call that is refused must not leave a job."""
        task, args, kwargs = self.choose_call()
        options = make_options(self.random)
        try:
            self.accepted.add(task.apply_async(args, kwargs, **options).id)
        except (StoreUnavailable, UnicodeError) as problem:
            self.note_crash(problem, args, kwargs, options)
        except REFUSALS as problem:
            self.figures.refused[type(problem).__name__] += 1
        except Exception as problem:  # noqa: BLE001 - any other is a finding
            self.note_crash(problem, args, kwargs, options)

    def note_crash(self, problem: Exception, *call: Any) -> None:
        """Keep the first call that failed in this way."""
        what = f"{type(problem).__name__}: {problem}"[:120]
        self.figures.crashed.setdefault(what, " ".join(f"{part!r:.300}" for part in call))

    def choose_call(self) -> tuple[Any, Any, Any]:
        """A task, its args and its kwargs."""
        if self.random.random() < 0.4:
            return self.random.choice(SEEDED), [self.random.getrandbits(32)], {}
        if self.random.random() < 0.05:
            return jobs.echo, make_value(self.random), make_value(self.random)
        args = [make_value(self.random) for _ in range(self.random.randint(0, 2))]
        kwargs = {name: make_value(self.random) for name in self.random.sample("abc", 1)}
        return jobs.echo, args, kwargs

    def send_message(self) -> None:
        """Put a message on the queue, past everything that checks it."""
        text = make_message(self.random)
        self.sent.append(text)
        self.redis.lpush("celery", text)

    def is_over(self) -> bool:
        """Whether nothing waits or runs; what is delayed is due at once."""
        delayed = self.redis.zrange(DELAYED, 0, -1)
        if delayed:
            self.redis.zadd(DELAYED, dict.fromkeys(delayed, 1), xx=True)
            self.app.store.run(maintenance.promote(1_000))
        counts = self.app.store.run(statistics.read_stats()).status_counts
        open_jobs = sum(counts.get(status, 0) for status in ("pending", "running", "retrying"))
        return not open_jobs and not self.redis.llen("celery") and not self.count_unacked()

    def count_unacked(self) -> int:
        """The number of messages in the hands of workers."""
        return sum(self.redis.hlen(key) for key in self.redis.scan_iter("continuo:unacked:*"))

    def judge(self) -> None:
        """Count how the cases ended. Redis keeps the last 10,000 dead letters, and counts all."""
        self.figures.messages = len(self.sent)
        self.figures.dead_letters = int(self.redis.get(f"{DEAD_LETTERS}:count") or 0)
        self.figures.lost += [job_id for job_id in self.accepted if not self.has_ended(job_id)]
        unrecorded = [text for text in self.sent if not self.has_ended(find_id(text))]
        if len(unrecorded) > self.figures.dead_letters:
            kept = {entry.partition(b"\n")[2] for entry in self.redis.lrange(DEAD_LETTERS, 0, -1)}
            self.figures.lost += [repr(text) for text in unrecorded if text not in kept]
        self.figures.faults = Guard(self.app.store, mends=False).check()

    def has_ended(self, job_id: str) -> bool:
        """Whether there is a record that has ended; counts it."""
        record = self.app.store.run(queries.read_record(job_id)) if job_id else None
        if record is None or not record.is_final:
            return False
        self.figures.ended[record.status] += 1
        return True


def find_id(text: bytes) -> str:
    """The job id of a message, "" when there is none that a job can have."""
    try:
        return check_id(json.loads(text.decode(errors="replace"))["headers"]["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
