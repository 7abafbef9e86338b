"""How many cells so many jobs an hour take, and how long jobs wait in the busiest of them."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from benchmarks.scaling.cell import (
    STORE_BUSY,
    Cell,
    Simulation,
    Waits,
    hottest,
    sized,
)
from benchmarks.scaling.costs import Costs

LOADS = (100_000, 1_000_000, 3_000_000, 10_000_000)
"""Jobs an hour, on average over the day."""

PEAK = 3
"""The busiest minute has so many times the average."""

KEPT_SECONDS = 86_400
"""How long records are kept; the default for a success is a week."""

MOST_BYTES = 32e9
"""Memory of records in one Valkey: half of a machine of 64 GB, as rewriting the file may take
as much again."""

TENANTS = 1_000
MOST_CELLS = 1_000


class Plan(NamedTuple):
    """What a load takes. ``share``: the part of all jobs that the busiest cell has."""

    hourly: int
    cells: int
    share: float
    cell: Cell
    waits: Waits
    record_gb: float
    file_mb: float


def plans(costs: Costs) -> Iterator[Plan]:
    """One for each load."""
    for hourly in LOADS:
        cells = cells_for(hourly, costs)
        share = hottest(TENANTS, cells)
        average = hourly / 3600 * share
        cell = sized(average * PEAK, costs)
        yield Plan(
            hourly,
            cells,
            share,
            cell,
            Simulation(cell, costs).run(),
            record_gb=average * KEPT_SECONDS * costs.record_bytes / 1e9,
            file_mb=average * PEAK * costs.file_bytes / 1e6,
        )


def cells_for(hourly: int, costs: Costs) -> int:
    """The fewest with which the busiest has time and memory enough, while the tenants allow it."""
    for cells in range(1, MOST_CELLS):
        share = hottest(TENANTS, cells)
        if fits(hourly / 3600 * share, costs) or share == hottest(TENANTS, cells + 1):
            return cells
    return MOST_CELLS


def fits(average: float, costs: Costs) -> bool:
    """Whether one Valkey has time and memory for so many jobs a second."""
    has_time = average * PEAK * costs.store <= STORE_BUSY
    return has_time and average * KEPT_SECONDS * costs.record_bytes <= MOST_BYTES


def slots_of_all(plan: Plan) -> int:
    """Slots of all cells together: of the busiest, and of the rest in proportion."""
    return ceil(plan.cell.slots / plan.share)
