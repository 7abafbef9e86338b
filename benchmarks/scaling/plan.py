"""The number of cells for a load, and the waits in the busiest cell."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from benchmarks.scaling.cell import (
    MAX_STORE_LOAD,
    Cell,
    Simulation,
    Waits,
    find_hottest_share,
    size_cell,
)
from benchmarks.scaling.costs import Costs

JOBS_PER_HOUR = (100_000, 1_000_000, 3_000_000, 10_000_000)
"""Jobs per hour, averaged over a day."""

PEAK_FACTOR = 3
"""The load of the busiest minute divided by the average."""

RETENTION_SECONDS = 86_400
"""How long records are kept here; the default for a success is a week."""

MAX_RECORD_BYTES = 32e9
"""Memory for records in one Valkey: half of a machine of 64 GB, because a rewrite of the file may
take the same again.
"""

TENANT_COUNT = 1_000
MAX_CELLS = 1_000


class Plan(NamedTuple):
    """The installation for one load. ``share``: the busiest cell's part of all jobs."""

    hourly: int
    cells: int
    share: float
    cell: Cell
    waits: Waits
    record_gb: float
    file_mb: float


def make_plans(costs: Costs) -> Iterator[Plan]:
    """The plan of each load."""
    for hourly in JOBS_PER_HOUR:
        cells = count_cells(hourly, costs)
        share = find_hottest_share(TENANT_COUNT, cells)
        average = hourly / 3600 * share
        cell = size_cell(average * PEAK_FACTOR, costs)
        yield Plan(
            hourly,
            cells,
            share,
            cell,
            Simulation(cell, costs).run(),
            record_gb=average * RETENTION_SECONDS * costs.record_bytes / 1e9,
            file_mb=average * PEAK_FACTOR * costs.file_bytes / 1e6,
        )


def count_cells(hourly: int, costs: Costs) -> int:
    """The smallest number of cells at which the busiest one has capacity."""
    for cells in range(1, MAX_CELLS):
        share = find_hottest_share(TENANT_COUNT, cells)
        if has_capacity(hourly / 3600 * share, costs) or share == find_hottest_share(
            TENANT_COUNT, cells + 1
        ):
            return cells
    return MAX_CELLS


def has_capacity(average: float, costs: Costs) -> bool:
    """Whether one Valkey has time and memory for ``average`` jobs per second."""
    has_time = average * PEAK_FACTOR * costs.store <= MAX_STORE_LOAD
    return has_time and average * RETENTION_SECONDS * costs.record_bytes <= MAX_RECORD_BYTES


def total_slots_of(plan: Plan) -> int:
    """The slots of all cells: those of the busiest, and of the others in proportion."""
    return ceil(plan.cell.slots / plan.share)
