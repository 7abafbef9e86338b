"""One cell: API processes, one Valkey and the slots of its workers, for a part of the tenants.

A job is ordered, waits for a slot, runs, and its record is read once. Valkey runs one script at a
time, for as long as measured; the duration of a job varies at random around its mean.
"""

from functools import cache
from math import ceil
from random import Random
from typing import NamedTuple

from benchmarks.scaling.costs import LONE_JOB_SECONDS, Costs
from benchmarks.scaling.engine import SimulatedProcess, Station, World

CALL_SECONDS = 0.05
REPORT_SHARE = 0.03
"""The mix of jobs: 3 reports to 97 webhook calls, which take 50 ms on average."""

MAX_STORE_LOAD, MAX_API_LOAD, MAX_SLOT_LOAD = 0.5, 0.5, 0.7
"""The highest average utilization of each part in the busiest minute."""

WARM_UP_SECONDS, RUN_SECONDS = 2.0, 8.0


class Cell(NamedTuple):
    """The size of a cell, and its jobs per second."""

    rate: float
    api: int
    slots: int


class Waits(NamedTuple):
    """The seconds from the order of a job to its start, and the utilization of each part."""

    p50: float
    p99: float
    store: float
    slots: float


def compute_slot_seconds(costs: Costs) -> float:
    """The average time that a job occupies its slot."""
    work = (1 - REPORT_SHARE) * CALL_SECONDS + REPORT_SHARE * costs.report
    return work + LONE_JOB_SECONDS + costs.turn


def size_cell(rate: float, costs: Costs) -> Cell:
    """The smallest cell whose parts are within their highest utilization."""
    return Cell(
        rate,
        api=ceil(rate * costs.api / MAX_API_LOAD),
        slots=ceil(rate * compute_slot_seconds(costs) / MAX_SLOT_LOAD),
    )


class Simulation:
    """The simulation of one cell."""

    def __init__(self, cell: Cell, costs: Costs, seed: int = 1) -> None:
        self.cell = cell
        self.costs = costs
        self.random = Random(seed)  # noqa: S311 - a fixed seed
        self.world = World()
        self.api, self.store, self.slots = Station(cell.api), Station(1), Station(cell.slots)
        self.waits: list[float] = []

    def run(self, seconds: float = RUN_SECONDS) -> Waits:
        """Simulate arrivals for ``seconds`` after a warm-up."""
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
        """Orders at random, independent times."""
        while self.world.now < end:
            self.world.after(0.0, self.job())
            yield self.random.expovariate(self.cell.rate)

    def job(self) -> SimulatedProcess:
        """One job from its order until its record is read."""
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
        """The duration of one job in seconds."""
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
    """The busiest cell's share of jobs when each tenant goes to the least loaded cell."""
    loads = [0.0] * cells
    for share in compute_shares(tenants):
        loads[loads.index(min(loads))] += share
    return max(loads)


def find_random_hottest_share(tenants: int, cells: int, tries: int = 200) -> float:
    """The busiest cell's share when a hash places tenants: the median of many tries."""
    random = Random(1)  # noqa: S311 - a fixed seed
    found = sorted(_place_randomly(random, tenants, cells) for _ in range(tries))
    return found[tries // 2]


def _place_randomly(random: Random, tenants: int, cells: int) -> float:
    loads = [0.0] * cells
    for share in compute_shares(tenants):
        loads[random.randrange(cells)] += share
    return max(loads)
