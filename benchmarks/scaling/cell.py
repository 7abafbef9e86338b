"""One cell: API processes, one Valkey, and the slots of its workers; all of it for some tenants.

A job is ordered, waits for a slot, runs, and is asked for once. Valkey does one script at a time,
each as long as it was measured; the work of a job takes a random time around its mean.
"""

from functools import cache
from math import ceil
from random import Random
from typing import NamedTuple

from benchmarks.scaling.costs import LONE_JOB_SECONDS, Costs
from benchmarks.scaling.engine import SimulatedProcess, Station, World

CALL_SECONDS = 0.05
REPORT_SHARE = 0.03
"""What is ordered: 97 calls of something that answers in 50 ms on average, to 3 reports."""

MAX_STORE_LOAD, MAX_API_LOAD, MAX_SLOT_LOAD = 0.5, 0.5, 0.7
"""How busy each part may be in the busiest minute, on average."""

WARM_UP_SECONDS, RUN_SECONDS = 2.0, 8.0


class Cell(NamedTuple):
    """What is there, and how many jobs a second come."""

    rate: float
    api: int
    slots: int


class Waits(NamedTuple):
    """Seconds from the order until the job starts; how busy each part was."""

    p50: float
    p99: float
    store: float
    slots: float


def compute_slot_seconds(costs: Costs) -> float:
    """How long a job holds its slot, on average."""
    work = (1 - REPORT_SHARE) * CALL_SECONDS + REPORT_SHARE * costs.report
    return work + LONE_JOB_SECONDS + costs.turn


def size_cell(rate: float, costs: Costs) -> Cell:
    """A cell that is as busy as it may be."""
    return Cell(
        rate,
        api=ceil(rate * costs.api / MAX_API_LOAD),
        slots=ceil(rate * compute_slot_seconds(costs) / MAX_SLOT_LOAD),
    )


class Simulation:
    """The life of a cell, second by second."""

    def __init__(self, cell: Cell, costs: Costs, seed: int = 1) -> None:
        self.cell = cell
        self.costs = costs
        self.random = Random(seed)  # noqa: S311 - to be the same each time is what it is for
        self.world = World()
        self.api, self.store, self.slots = Station(cell.api), Station(1), Station(cell.slots)
        self.waits: list[float] = []

    def run(self, seconds: float = RUN_SECONDS) -> Waits:
        """Let jobs come for some seconds, after a time to warm up."""
        end = WARM_UP_SECONDS + seconds
        self.world.after(0.0, self.arrivals(end))
        self.world.run(end)
        waits = sorted(self.waits)
        return Waits(
            p50=waits[len(waits) // 2],
            p99=waits[len(waits) * 99 // 100],
            store=self.store.busy_seconds / end,
            slots=self.slots.busy_seconds / end / self.cell.slots,
        )

    def arrivals(self, end: float) -> SimulatedProcess:
        """Orders that know nothing of each other."""
        while self.world.now < end:
            self.world.after(0.0, self.job())
            yield self.random.expovariate(self.cell.rate)

    def job(self) -> SimulatedProcess:
        """One job from its order until it was asked for."""
        costs, ordered = self.costs, self.world.now
        yield from self.visit(self.api, costs.post)
        yield from self.visit(self.store, costs.enqueue)
        yield self.slots
        yield from self.visit(self.store, costs.turn / 2)
        if ordered > WARM_UP_SECONDS:
            self.waits.append(self.world.now - ordered)
        yield LONE_JOB_SECONDS + self.work()
        yield from self.visit(self.store, costs.turn / 2)
        self.slots.give(self.world)
        yield from self.visit(self.api, costs.get)
        yield from self.visit(self.store, costs.read)

    def work(self) -> float:
        """Seconds that the job itself takes."""
        mean = self.costs.report if self.random.random() < REPORT_SHARE else CALL_SECONDS
        return self.random.expovariate(1 / mean)

    def visit(self, station: Station, seconds: float) -> SimulatedProcess:
        """Wait for a place, use it, leave."""
        yield station
        yield seconds
        station.give(self.world)


@cache
def compute_shares(tenants: int) -> list[float]:
    """Jobs of each tenant, the largest first: the second has half of the first, and so on."""
    weights = [1 / rank for rank in range(1, tenants + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def find_hottest_share(tenants: int, cells: int) -> float:
    """The share of the busiest cell when each tenant goes to the one that has least so far."""
    loads = [0.0] * cells
    for share in compute_shares(tenants):
        loads[loads.index(min(loads))] += share
    return max(loads)


def find_random_hottest_share(tenants: int, cells: int, tries: int = 200) -> float:
    """The same, the median of many tries, when chance (a hash) places them."""
    random = Random(1)  # noqa: S311 - the same each time
    found = sorted(_place_randomly(random, tenants, cells) for _ in range(tries))
    return found[tries // 2]


def _place_randomly(random: Random, tenants: int, cells: int) -> float:
    loads = [0.0] * cells
    for share in compute_shares(tenants):
        loads[random.randrange(cells)] += share
    return max(loads)
