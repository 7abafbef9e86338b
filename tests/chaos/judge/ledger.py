"""What jobs really did, written outside Redis, and what that says about the queue.

A job adds one line for each thing that happened to it (``pen.py``). The reader is the
judge; it believes no record and no log.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

MAX_LINE_DELAY_SECONDS = 5.0
"""Seconds that a line may stand behind one with a later time: writers race."""


class EventType(StrEnum):
    """What a line says: a run begins, goes on, has its effect, or ends without one."""

    START = "start"
    STEP = "step"
    FINISH = "finish"
    END = "end"


class LedgerEvent(NamedTuple):
    """One line. ``run`` names this run of the job, ``at`` is in seconds since the epoch."""

    what: EventType
    job: str
    attempt: int
    run: str
    worker: str
    pid: int
    at: float

    @classmethod
    def parse(cls, line: str) -> Self:
        """The event of a line."""
        what, job, attempt, run, worker, pid, at = line.split()
        return cls(EventType(what), job, int(attempt), run, worker, int(pid), float(at))

    def __str__(self) -> str:
        return " ".join(map(str, self))


@dataclass
class Run:
    """One run of a job: its start, when its effect happened and when it was over, if ever."""

    start: LedgerEvent
    effect_at: float | None = None
    over_at: float | None = None
    ended: bool = False

    @property
    def job(self) -> str:
        """The job it is a run of."""
        return self.start.job

    @property
    def began_at(self) -> float:
        """When it started."""
        return self.start.at


class Kill(NamedTuple):
    """Processes that were killed or stopped together."""

    at: float
    pids: frozenset[int]


class RunLedger:
    """The lines of a file, read once each however often one asks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()
        self._read = 0
        self._events: list[LedgerEvent] = []

    def events(self) -> list[LedgerEvent]:
        """Every whole line so far, in the order they were written."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        self._events += [LedgerEvent.parse(line.decode()) for line in whole.splitlines()]
        return self._events

    def measure_resumes(self, at: float) -> dict[str, float]:
        """Seconds from ``at`` until each worker started a job."""
        first: dict[str, float] = {}
        for event in reversed(self.events()):
            if event.at <= at - MAX_LINE_DELAY_SECONDS:
                break
            if event.what is EventType.START and event.at > at:
                first[event.worker] = event.at - at
        return first

    def account(self, deaths: Mapping[int, float]) -> "RunAccount":
        """What they come to; ``deaths`` says when each process that ended did so."""
        return RunAccount(self.events(), deaths)


class RunAccount:
    """The runs of all jobs, and what went wrong with them."""

    def __init__(self, events: Sequence[LedgerEvent], deaths: Mapping[int, float]) -> None:
        self.events = events
        self.runs = runs_of(events, deaths)
        self.by_job: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            self.by_job[run.job].append(run)

    @property
    def finished(self) -> set[str]:
        """The jobs that had their effect."""
        return {event.job for event in self.events if event.what is EventType.FINISH}

    def effects_twice(self) -> dict[str, int]:
        """How many effects beyond one each job had that had several."""
        effects = Counter(event.job for event in self.events if event.what is EventType.FINISH)
        return {job: count - 1 for job, count in effects.items() if count > 1}

    def overlapping(self) -> list[tuple[Run, Run]]:
        """Pairs of runs of one job, the later of which began before the earlier was over."""
        return [pair for runs in self.by_job.values() for pair in find_overlaps(runs)]

    def recoveries(
        self, kills: Iterable[Kill], starts: Mapping[str, Sequence[float]] | None = None
    ) -> list[float]:
        """For each run that a kill ended: seconds until its job started again.

        ``starts``: starts known otherwise; a run may be killed before its first line.
        """
        again = starts or {}
        waits = (self.restart(run, again) - kill.at for kill in kills for run in self.open_at(kill))
        return [wait for wait in waits if wait < math.inf]

    def restart(self, run: Run, starts: Mapping[str, Sequence[float]]) -> float:
        """When the job of a run was started the next time; infinite when never."""
        seen = [other.began_at for other in self.by_job[run.job]]
        later = [at for at in (*seen, *starts.get(run.job, ())) if at > run.began_at]
        return min(later, default=math.inf)

    def open_at(self, kill: Kill) -> list[Run]:
        """The runs that were going on in the killed processes, their effect still to come."""
        return [run for run in self.runs if run.start.pid in kill.pids and is_open(run, kill.at)]


def runs_of(events: Iterable[LedgerEvent], deaths: Mapping[int, float]) -> list[Run]:
    """Runs in the order they began. One without an end ended with its process."""
    runs: dict[str, Run] = {}
    for event in events:
        if event.what is EventType.START:
            runs[event.run] = Run(event)
            continue
        run = runs[event.run]
        run.over_at = event.at  # of a step too: nothing was done after the last one
        run.ended = event.what is not EventType.STEP
        if event.what is EventType.FINISH:
            run.effect_at = event.at
    for run in runs.values():
        if run.over_at is None:
            run.over_at = deaths.get(run.start.pid)
    return sorted(runs.values(), key=lambda run: run.began_at)


def is_open(run: Run, at: float) -> bool:
    """Whether a run had begun by then and never came to its end."""
    return run.began_at <= at and not run.ended


def find_overlaps(runs: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Pairs of runs of one job that went on at the same time."""
    for index, earlier in enumerate(runs):
        for later in runs[index + 1 :]:
            if earlier.over_at is None or later.began_at < earlier.over_at:
                yield earlier, later
