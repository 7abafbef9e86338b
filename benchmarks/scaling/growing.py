"""Two queues whose workers are scaled by a signal: queue length or age of the first job.

Both get three times their usual jobs for half an hour. The jobs of one queue are quick, those of
the other slow; the scaling rule is the same for both, without tuning.
"""

from collections.abc import Callable, Iterator
from math import ceil
from random import Random
from typing import NamedTuple

from benchmarks.scaling.engine import SimulatedProcess, Station, World

LOOK_SECONDS, START_SECONDS, END_SECONDS = 15.0, 45.0, 5400.0
"""Time between two looks, time until a new worker runs, and total time."""

RUSH_SECONDS = range(900, 2700)
"""The seconds during which three times the usual jobs arrive."""

GROWTH_FACTOR, SHRINK_FACTOR, MAX_SLOTS, IDLE_SHARE = 1.5, 0.9, 400, 0.6

type ScalingSignal = Callable[[Station, World], float]
"""Above 1: add workers. Below 1: there are enough."""


class SimulatedKind(NamedTuple):
    """Jobs with a mean rate per second and a mean duration in seconds."""

    name: str
    rate: float
    seconds: float


class QueueTrace(NamedTuple):
    """Samples at each look: time, age of the first job, slots. ``waits`` has all jobs."""

    times: list[float]
    ages: list[float]
    slots: list[int]
    waits: list[float]

    @property
    def slot_hours(self) -> float:
        """The slot hours used: the cost."""
        return sum(self.slots) * LOOK_SECONDS / 3600

    @property
    def worst(self) -> float:
        """The longest wait in seconds."""
        return max(self.waits)

    @property
    def late(self) -> float:
        """The share of jobs that waited longer than the target age."""
        return sum(wait > TARGET_AGE_SECONDS for wait in self.waits) / len(self.waits)


KINDS = (SimulatedKind("quick", 40.0, 0.25), SimulatedKind("slow", 0.5, 20.0))
TARGET_LENGTH, TARGET_AGE_SECONDS = 100, 30.0


def measure_length(queue: Station, _: World) -> float:
    """The queue's length divided by its target length."""
    return len(queue.waiting) / TARGET_LENGTH


def measure_age(queue: Station, world: World) -> float:
    """The age of the first job divided by the target age."""
    return queue.age(world) / TARGET_AGE_SECONDS


SIGNALS: dict[str, ScalingSignal] = {"length > 100": measure_length, "age > 30 s": measure_age}


class ScalingSimulation:
    """One queue under one signal."""

    def __init__(self, kind: SimulatedKind, signal: ScalingSignal) -> None:
        self.kind = kind
        self.signal = signal
        self.random = Random(1)  # noqa: S311 - a fixed seed
        self.world = World()
        self.queue = Station(ceil(kind.rate * kind.seconds / 0.7))
        self.coming = 0
        self.trace = QueueTrace([], [], [], [])

    def run(self) -> QueueTrace:
        """Run the whole simulation."""
        self.world.after(0.0, self.arrivals())
        self.world.after(LOOK_SECONDS, self.watch())
        self.world.run(END_SECONDS)
        return self.trace

    def arrivals(self) -> SimulatedProcess:
        """Random arrivals, three times as frequent during the rush."""
        while True:
            self.world.after(0.0, self.job())
            more = 3 if int(self.world.now) in RUSH_SECONDS else 1
            yield self.random.expovariate(self.kind.rate * more)

    def job(self) -> SimulatedProcess:
        """One job: wait for a slot, then run."""
        ordered = self.world.now
        yield self.queue
        self.trace.waits.append(self.world.now - ordered)
        yield self.random.expovariate(1 / self.kind.seconds)
        self.queue.give(self.world)

    def watch(self) -> SimulatedProcess:
        """Check the signal regularly and adjust the workers."""
        seen = 0.0
        while True:
            self.note()
            self.adjust(busy=(self.queue.busy_seconds - seen) / LOOK_SECONDS)
            seen = self.queue.busy_seconds
            yield LOOK_SECONDS

    def adjust(self, busy: float) -> None:
        """Add half of the slots when there are too few; remove a tenth when they are idle."""
        slots, signal = self.queue.places, self.signal(self.queue, self.world)
        if self.coming:
            return
        if signal > 1:
            self.coming = min(ceil(slots * GROWTH_FACTOR), MAX_SLOTS) - slots
            self.world.after(START_SECONDS, self.start())
        elif busy < slots * IDLE_SHARE and not self.queue.waiting:
            self.queue.places = ceil(slots * SHRINK_FACTOR)

    def start(self) -> SimulatedProcess:
        """Add slots once their workers have started."""
        self.queue.places += self.coming
        self.coming = 0
        self.queue.call(self.world)
        yield 0.0

    def note(self) -> None:
        """Record a sample."""
        self.trace.times.append(self.world.now)
        self.trace.ages.append(self.queue.age(self.world))
        self.trace.slots.append(self.queue.places)


def run_traces() -> Iterator[tuple[str, SimulatedKind, QueueTrace]]:
    """Run each signal with each kind of job."""
    for name, signal in SIGNALS.items():
        for kind in KINDS:
            yield name, kind, ScalingSimulation(kind, signal).run()
