"""The ledger: what jobs did, written outside Redis, and what follows from it.

A job writes one line for each event (``run_writer.py``). The judge reads the ledger and
relies on no record and no log.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

MAX_LINE_DELAY_SECONDS = 5.0
"""How far a line may stand behind a line with a later time: writers race."""


class EventType(StrEnum):
    """The event of a line: a run starts, makes a step, has its effect, or ends without one."""

    START = "start"
    STEP = "step"
    FINISH = "finish"
    END = "end"


class LedgerEvent(NamedTuple):
    """One line. ``run`` identifies the run of the job; ``at`` is in seconds since the epoch."""

    what: EventType
    job: str
    attempt: int
    run: str
    worker: str
    pid: int
    at: float

    @classmethod
    def parse(cls, line: str) -> Self:
        """Parse a line."""
        what, job, attempt, run, worker, pid, at = line.split()
        return cls(EventType(what), job, int(attempt), run, worker, int(pid), float(at))

    def __str__(self) -> str:
        return " ".join(map(str, self))


@dataclass
class Run:
    """One run of a job. ``effect_at`` and ``over_at`` are None when unknown."""

    start: LedgerEvent
    effect_at: float | None = None
    over_at: float | None = None
    ended: bool = False

    @property
    def job(self) -> str:
        """The id of the job."""
        return self.start.job

    @property
    def began_at(self) -> float:
        """The time of the start, seconds since the epoch."""
        return self.start.at


class Kill(NamedTuple):
    """The processes that were killed at one time."""

    at: float
    pids: frozenset[int]


class RunLedger:
    """Reads the lines of a ledger file, each only once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()
        self._read = 0
        self._events: list[LedgerEvent] = []

    def events(self) -> list[LedgerEvent]:
        """All complete lines so far, in the order of writing."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        self._events += [LedgerEvent.parse(line.decode()) for line in whole.splitlines()]
        return self._events

    def measure_resumes(self, at: float) -> dict[str, float]:
        """Seconds from ``at`` until the first start of a job, by worker."""
        first: dict[str, float] = {}
        for event in reversed(self.events()):
            if event.at <= at - MAX_LINE_DELAY_SECONDS:
                break
            if event.what is EventType.START and event.at > at:
                first[event.worker] = event.at - at
        return first

    def account(self, deaths: Mapping[int, float]) -> "RunAccount":
        """Analyze the lines; ``deaths`` has the time of each process's end."""
        return RunAccount(self.events(), deaths)


class RunAccount:
    """The runs of all jobs, and their faults."""

    def __init__(self, events: Sequence[LedgerEvent], deaths: Mapping[int, float]) -> None:
        self.events = events
        self.runs = runs_of(events, deaths)
        self.by_job: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            self.by_job[run.job].append(run)

    @property
    def finished(self) -> set[str]:
        """The ids of the jobs that had their effect."""
        return {event.job for event in self.events if event.what is EventType.FINISH}

    def effects_twice(self) -> dict[str, int]:
        """The number of surplus effects, by job; jobs with one effect are left out."""
        effects = Counter(event.job for event in self.events if event.what is EventType.FINISH)
        return {job: count - 1 for job, count in effects.items() if count > 1}

    def overlapping(self) -> list[tuple[Run, Run]]:
        """Pairs of runs of one job of which the later began before the earlier was over."""
        return [pair for runs in self.by_job.values() for pair in find_overlaps(runs)]

    def recoveries(
        self, kills: Iterable[Kill], starts: Mapping[str, Sequence[float]] | None = None
    ) -> list[float]:
        """For each run that a kill interrupted: seconds from the kill to the job's next start.

        ``starts`` adds start times from Redis: a run may be killed before its first line.
        """
        again = starts or {}
        waits = (self.restart(run, again) - kill.at for kill in kills for run in self.open_at(kill))
        return [wait for wait in waits if wait < math.inf]

    def restart(self, run: Run, starts: Mapping[str, Sequence[float]]) -> float:
        """The time of the job's next start after this run; infinite when there is none."""
        seen = [other.began_at for other in self.by_job[run.job]]
        later = [at for at in (*seen, *starts.get(run.job, ())) if at > run.began_at]
        return min(later, default=math.inf)

    def open_at(self, kill: Kill) -> list[Run]:
        """The runs that the kill interrupted before their effect."""
        return [run for run in self.runs if run.start.pid in kill.pids and is_open(run, kill.at)]


def runs_of(events: Iterable[LedgerEvent], deaths: Mapping[int, float]) -> list[Run]:
    """The runs in the order of their starts. A run without an end ended with its process."""
    runs: dict[str, Run] = {}
    for event in events:
        if event.what is EventType.START:
            runs[event.run] = Run(event)
            continue
        run = runs[event.run]
        run.over_at = event.at  # also after a step: the run did nothing after its last step
        run.ended = event.what is not EventType.STEP
        if event.what is EventType.FINISH:
            run.effect_at = event.at
    for run in runs.values():
        if run.over_at is None:
            run.over_at = deaths.get(run.start.pid)
    return sorted(runs.values(), key=lambda run: run.began_at)


def is_open(run: Run, at: float) -> bool:
    """Whether the run had started at this time and never ended."""
    return run.began_at <= at and not run.ended


def find_overlaps(runs: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Pairs of runs of one job that overlapped in time."""
    for index, earlier in enumerate(runs):
        for later in runs[index + 1 :]:
            if earlier.over_at is None or later.began_at < earlier.over_at:
                yield earlier, later
