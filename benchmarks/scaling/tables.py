"""Format the results of the simulation as tables."""

from functools import cache

from benchmarks.scaling.cell import find_hottest_share, find_random_hottest_share
from benchmarks.scaling.costs import Costs, read_costs
from benchmarks.scaling.growing import TARGET_AGE_SECONDS, QueueTrace, SimulatedKind, run_traces
from benchmarks.scaling.plan import PEAK_FACTOR, TENANT_COUNT, Plan, make_plans, total_slots_of
from benchmarks.support.page_parts import PageParts, format_table

CELL_COUNTS = (1, 2, 4, 6, 8, 12)
"""Numbers of cells for the table of placements."""

LOADS_HEAD = (
    "jobs an hour",
    "a second at the peak",
    "cells",
    "API processes",
    "slots",
    "busiest cell: records",
    "file",
    "Valkey busy",
    "wait p50",
    "wait p99",
)


@cache
def load_costs() -> Costs:
    """The measured costs."""
    return read_costs()


@cache
def load_plans() -> list[Plan]:
    """The plan of each load."""
    return list(make_plans(load_costs()))


@cache
def load_traces() -> list[tuple[str, SimulatedKind, QueueTrace]]:
    """The queues' histories under each signal."""
    return list(run_traces())


def format_inputs() -> str:
    """The table of costs."""
    cost = load_costs()
    times = {
        "API process, `POST`": cost.post,
        "API process, `GET`": cost.get,
        "Valkey, enqueue": cost.enqueue,
        "Valkey, fetch, start and end": cost.turn,
        "Valkey, `GET`": cost.read,
        "worker slot, a report": cost.report,
    }
    rows = [(what, format_time(seconds)) for what, seconds in times.items()]
    rows.append(("memory of a finished record", f"{cost.record_bytes:.0f} bytes"))
    rows.append(("append-only file", f"{cost.file_bytes:,.0f} bytes"))
    return format_table(("of one job", "measured"), rows)


def format_loads() -> str:
    """The table of plans."""
    return format_table(LOADS_HEAD, (format_plan(plan) for plan in load_plans()))


def format_plan(plan: Plan) -> tuple[str, ...]:
    """The row of one plan."""
    return (
        f"{plan.hourly:,}",
        f"{plan.hourly / 3600 * PEAK_FACTOR:,.0f}",
        f"{plan.cells}",
        f"{plan.cell.api * plan.cells}",
        f"{total_slots_of(plan)}",
        f"{plan.record_gb:.1f} GB",
        f"{plan.file_mb:.1f} MB/s",
        f"{plan.waits.store:.0%}",
        format_time(plan.waits.p50),
        format_time(plan.waits.p99),
    )


def format_placement() -> str:
    """The table of how evenly tenants are placed."""
    rows = (
        (
            f"{cells}",
            f"{1 / cells:.0%}",
            f"{find_hottest_share(TENANT_COUNT, cells):.0%}",
            f"{find_random_hottest_share(TENANT_COUNT, cells):.0%}",
        )
        for cells in CELL_COUNTS
    )
    return format_table(("cells", "even", "the largest first", "by a hash"), rows)


def format_signals() -> str:
    """The table of the scaling signals."""
    head = (
        "more workers when",
        "jobs of",
        "longest wait",
        f"waited over {TARGET_AGE_SECONDS:g} s",
        "slot hours",
    )
    rows = (
        (
            signal,
            f"{kind.seconds:g} s",
            f"{trace.worst:.0f} s",
            f"{trace.late:.0%}",
            f"{trace.slot_hours:.0f}",
        )
        for signal, kind, trace in load_traces()
    )
    return format_table(head, rows)


PARTS: PageParts = {
    "inputs": format_inputs,
    "loads": format_loads,
    "placed": format_placement,
    "signals": format_signals,
}


def format_time(seconds: float) -> str:
    """A time with two digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size * 0.995:
            return f"{seconds / size:.{0 if seconds >= 9.95 * size else 1}f} {unit}"
    return f"{seconds * 1e6:.0f} µs"
