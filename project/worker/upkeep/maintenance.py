"""Upkeep: what every worker does for all jobs, a little at a time.

Puts messages that have become due on their queues, gives the jobs of dead workers
to others, deletes records past their time and measures how long jobs take. Each is
one Lua call that takes a bounded number, so any number of workers may do it at once.
Files past their time are the janitor's, a process of its own.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from project.messages.outbox import RESEND_AFTER_SECONDS, OutboxPublisher
from project.records.history import MINUTE_SECONDS
from project.records.record import TaskStatus
from project.settings.values import Settings
from project.store.client import Store
from project.store.commands import maintenance, queues, switches, workflows

log = logging.getLogger(__name__)

PROMOTE_EVERY = 0.5
PROMOTE_MOST = 500
SWEEP_EVERY = 60.0
SWEEP_AGAIN = 0.5
"""While there is more than one round deletes: as many as may come in."""
SWEEP_MOST = 1_000
SWITCHES_EVERY = 1.0
SWITCH_MOST = 200
WORKFLOWS_EVERY = 0.5
WORKFLOWS_MOST = 100
MEASURE_EVERY = 5.0
MEASURE_MOST = 20
TIDY_EVERY = 3_600.0
ROOT = Path(__file__).parents[2]
JANITOR = (sys.executable, "-m", "project.artifacts.cleanup")


class Maintenance:
    """Does what is due when asked; says when to ask again."""

    def __init__(self, store: Store, given: Settings, relay: OutboxPublisher | None = None) -> None:
        self.store = store
        self.publisher = relay
        self.lease_seconds = given.lease_seconds
        self.reap_every = given.lease_seconds / 6
        self.kept = {
            TaskStatus.SUCCESS: given.retention_success,
            TaskStatus.FAILED: given.retention_failed,
            TaskStatus.CANCELLED: given.retention_cancelled,
        }
        self._offsets: dict[tuple[str, TaskStatus], int] = {}
        self._unswept = False
        self._reap_at = self._sweep_at = self._measure_at = self._switches_at = 0.0
        self._workflows_at = 0.0
        self._tidy_at = time.monotonic() + TIDY_EVERY
        self._janitor: subprocess.Popen[bytes] | None = None

    def work(self) -> float:
        """One round; the seconds until the next."""
        now = time.monotonic()
        if now >= self._reap_at:
            self._reap_at = now + self.reap_every
            self.reap()
        if now >= self._sweep_at:
            self.sweep()
            self._sweep_at = now + (SWEEP_AGAIN if self._unswept else SWEEP_EVERY)
        if now >= self._switches_at:
            has_more = self.store.run(switches.end_jobs(SWITCH_MOST))
            self._switches_at = now if has_more else now + SWITCHES_EVERY
        if now >= self._workflows_at:
            self._workflows_at = now + WORKFLOWS_EVERY
            self.tend_workflows()
        if now >= self._measure_at:
            self._measure_at = now + MEASURE_EVERY
            self.store.run(maintenance.measure_durations(every=MEASURE_EVERY, most=MEASURE_MOST))
            self.store.run(maintenance.save_counters(every=MINUTE_SECONDS))
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_EVERY
            self.tidy()
        return min(self.promote(), self.reap_every)

    def reap(self) -> None:
        """Give the jobs of dead workers to others."""
        for dead in self.store.run(maintenance.reap(self.lease_seconds)):
            log.warning(
                "worker %s is dead: %d messages given back, %d jobs put aside as poison",
                dead.worker,
                dead.messages - dead.poison,
                dead.poison,
            )

    def tend_workflows(self) -> None:
        """Do what is due for workflows, one after the other."""
        for _ in range(WORKFLOWS_MOST):
            if self.store.run(workflows.do_round(max(self.kept.values()))) != 0:
                return

    def promote(self) -> float:
        """Send what is due; the seconds until there may be more."""
        done = self.store.run(maintenance.promote(PROMOTE_MOST))
        if self.publisher:
            self.publisher.resend(self.store, waited=0.0 if done.promoted else RESEND_AFTER_SECONDS)
        if done.promoted == PROMOTE_MOST:
            return 0.0
        return PROMOTE_EVERY if done.next_in is None else min(done.next_in, PROMOTE_EVERY)

    def sweep(self) -> int:
        """Delete records past their time from every list, some of each; how many."""
        self._unswept = False
        return sum(self._sweep_list(kind_queue, status) for kind_queue, status in self._lists())

    def tidy(self) -> None:
        """Start the janitor, unless the last one is still at work; it is not waited for."""
        if self._janitor is None or self._janitor.poll() is not None:
            self._janitor = subprocess.Popen(JANITOR, cwd=ROOT, stdin=subprocess.DEVNULL)  # noqa: S603 - ours

    def _lists(self) -> Iterator[tuple[str, TaskStatus]]:
        for kind_queue in self.store.run(queues.list_kind_queues()):
            for status in self.kept:
                yield kind_queue.to_text(), status

    def _sweep_list(self, kind_queue: str, status: TaskStatus) -> int:
        deleted, self._offsets[kind_queue, status] = self.store.run(
            maintenance.sweep(
                kind_queue=kind_queue,
                status=status,
                retention=self.kept[status],
                offset=self._offsets.get((kind_queue, status), 0),
                most=SWEEP_MOST,
            )
        )
        self._unswept |= deleted == SWEEP_MOST or self._offsets[kind_queue, status] > 0
        return deleted
