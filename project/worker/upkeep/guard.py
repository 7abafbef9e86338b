"""Finds records that could never end, and mends them.

A job that waits has a message, and a job that runs has a live worker that knows it. Each script
keeps that so. When Redis has lost its last bytes, or because of a fault, it may be otherwise.
Then the job runs again if its message is left, and else fails: nothing waits for ever.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import batched

from project.messages.builder import list_keys_beside
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import guard, queues, workers
from project.store.commands.guard import Fault, WaitingJob

log = logging.getLogger(__name__)

ROUND_SECONDS = 10.0
"""Seconds between two rounds, and between two tries to become the one that makes them."""

LEAD_SECONDS = 30
PAUSE_SECONDS = 0.05
"""Seconds after a step that was a full one: other work comes in between."""

UNCHANGED_SECONDS = 5.0
"""A waiting job is looked for when its record has not changed for so long."""

JOBS_PER_STEP = 100
"""Reading so many records takes Redis 3 to 10 ms."""

MESSAGES_PER_STEP = 200
"""Reading so many from the middle of a long list takes Redis 2 to 4 ms."""

WORKFLOWS_PER_STEP = 500
MAX_SUSPECTS = 1_000
"""Waiting jobs that are looked for in one round: the oldest of each kind and queue."""

MAX_STEPS_PER_INDEX = 500
NEAR_MESSAGES = 5_000
"""Messages that are looked at from the end of each list, where the oldest are, before all are."""

WAITING = (TaskStatus.PENDING, TaskStatus.RETRYING, TaskStatus.WAITING)

type Suspects = dict[str, WaitingJob]


class Guard:
    """Makes rounds over all records. ``mends``: whether it changes what it finds."""

    def __init__(self, store: Store, worker: str = "", *, mends: bool = True) -> None:
        self.store = store
        self.worker = worker
        self.mends = mends
        self.faults: list[Fault] = []
        self._missing: Suspects = {}
        self._steps: Iterator[float] = iter(())

    def work(self) -> float:
        """One step, if this worker leads; the seconds until the next."""
        steps, self._steps = self._steps, iter(())  # after an error a new round begins
        is_leader = self.store.run(guard.lead(self.worker, LEAD_SECONDS))
        pause = next(steps, None) if is_leader else None
        if pause is None:
            steps, pause = (self.steps() if is_leader else iter(())), ROUND_SECONDS
        self._steps = steps
        return pause

    def check(self) -> list[Fault]:
        """Make two rounds at once: what they found. A message that moves may be missed by one."""
        for _ in range(2):
            self.faults = []
            for _ in self.steps():
                pass
        return self.faults

    def steps(self) -> Iterator[float]:
        """The steps of one round; each gives the pause after it."""
        kind_queues = [each.to_text() for each in self.store.run(queues.list_kind_queues())]
        for kind_queue in kind_queues:
            yield from self._check_running(kind_queue)
        for worker in self.store.run(workers.list_leases()):
            forgotten = self.store.run(guard.check_held(worker, mends=self.mends))
            self._note_all(forgotten)
        suspects: Suspects = {}
        for kind_queue in kind_queues:
            yield from self._find_suspects(kind_queue, suspects)
        if suspects:
            yield from self._look_for_messages(suspects)
        self._judge(suspects)
        if self.mends:
            yield from self._rejoin_workflows()

    def _rejoin_workflows(self) -> Iterator[float]:
        offset: int | None = 0
        while offset is not None:
            offset = self.store.run(guard.rejoin_workflows(offset, WORKFLOWS_PER_STEP))
            if offset is not None:
                yield PAUSE_SECONDS

    def _check_running(self, kind_queue: str) -> Iterator[float]:
        offset: int | None = 0
        while offset is not None:
            command = guard.check_running(kind_queue, offset, JOBS_PER_STEP, mends=self.mends)
            offset, faults = self.store.run(command)
            self._note_all(faults)
            if offset is not None:
                yield PAUSE_SECONDS

    def _find_suspects(self, kind_queue: str, suspects: Suspects) -> Iterator[float]:
        for status in WAITING:
            offset, most = 0, len(suspects) + MAX_SUSPECTS
            for _ in range(MAX_STEPS_PER_INDEX):
                command = guard.list_waiting(
                    kind_queue, status, offset, JOBS_PER_STEP, unchanged_for=UNCHANGED_SECONDS
                )
                following, found = self.store.run(command)
                suspects.update((job.job_id, job) for job in found)
                if following is None or len(suspects) >= most:
                    break
                offset = following
                yield PAUSE_SECONDS

    def _look_for_messages(self, suspects: Suspects) -> Iterator[float]:
        """Leave the jobs in ``suspects`` whose message is nowhere.

        A message goes from its list to a worker, and back to the end of the list. So workers
        are looked at before and after the lists, and lists from the beginning.
        """
        self._clear(suspects, self._list_held())
        places = {place for job in suspects.values() for place in (job.place, job.beside) if place}
        if self.mends:
            self.store.run(guard.rejoin_lanes(sorted(places)))
        lists = self._list_lists(places)
        for name in lists:
            yield from self._walk(name, suspects, backwards=True)
        yield from self._clear_changed(suspects)
        for name in lists:
            yield from self._walk(name, suspects)
        self._clear(suspects, self._list_held())

    def _clear_changed(self, suspects: Suspects) -> Iterator[float]:
        """Leave the jobs that still wait as they did: all messages are read only for those."""
        for jobs in batched(tuple(suspects.values()), JOBS_PER_STEP):
            changed = self.store.run(guard.list_changed(jobs))
            self._clear(suspects, changed)
            yield PAUSE_SECONDS

    def _walk(self, name: str, suspects: Suspects, *, backwards: bool = False) -> Iterator[float]:
        first, count = 0, MESSAGES_PER_STEP
        while suspects and count == MESSAGES_PER_STEP:
            last = first + MESSAGES_PER_STEP - 1
            part = (-last - 1, -first - 1) if backwards else (first, last)
            count, ids = self.store.run(guard.list_messages(name, *part))
            self._clear(suspects, ids)
            first += count
            if backwards and first >= NEAR_MESSAGES:
                return
            if count == MESSAGES_PER_STEP:
                yield PAUSE_SECONDS

    def _judge(self, missing: Suspects) -> None:
        """Mend what was missing twice in a row."""
        for job_id, job in missing.items():
            if self._missing.get(job_id) != job:
                continue
            how = self.store.run(guard.mend_waiting(job)) if self.mends else ""
            if how or not self.mends:
                self._note_all([Fault(job_id, "it waits and its message is nowhere", how)])
        self._missing = missing

    def _note_all(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.faults.append(fault)
            if self.mends:
                log.error("job %s was %s: %s", fault.job_id, fault.how, fault.problem)

    def _list_held(self) -> set[str]:
        held: set[str] = set()
        for worker in self.store.run(workers.list_leases()):
            ids = self.store.run(guard.list_held(worker))
            held.update(ids)
        return held

    def _list_lists(self, places: set[str]) -> list[str]:
        names = places.union(queue.name for queue in self.store.run(queues.list_queues()))
        return [key for name in sorted(names) for key in list_keys_beside(name)]

    @staticmethod
    def _clear(suspects: Suspects, found: Iterable[str]) -> None:
        for job_id in suspects.keys() & set(found):
            del suspects[job_id]
