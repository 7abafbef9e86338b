"""What came of it, as tables."""

from functools import cache

from benchmarks.parts import Parts, table
from benchmarks.scaling.cell import hottest, hottest_by_chance
from benchmarks.scaling.costs import Costs, read_costs
from benchmarks.scaling.growing import AGE, Kind, Trace, traces
from benchmarks.scaling.plan import PEAK, TENANTS, Plan, plans, slots_of_all

SPREAD = (1, 2, 4, 6, 8, 12)
"""Numbers of cells that tenants are placed on."""

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
def costs() -> Costs:
    """What was measured."""
    return read_costs()


@cache
def planned() -> list[Plan]:
    """What each load takes."""
    return list(plans(costs()))


@cache
def traced() -> list[tuple[str, Kind, Trace]]:
    """How queues did under each signal."""
    return list(traces())


def inputs() -> str:
    """The costs as a table."""
    cost = costs()
    times = {
        "API process, `POST`": cost.post,
        "API process, `GET`": cost.get,
        "Valkey, enqueue": cost.enqueue,
        "Valkey, fetch, start and end": cost.turn,
        "Valkey, `GET`": cost.read,
        "worker slot, a report": cost.report,
    }
    rows = [(what, shown_time(seconds)) for what, seconds in times.items()]
    rows.append(("memory of a finished record", f"{cost.record_bytes:.0f} bytes"))
    rows.append(("append-only file", f"{cost.file_bytes:,.0f} bytes"))
    return table(("of one job", "measured"), rows)


def loads() -> str:
    """What each load takes."""
    return table(LOADS_HEAD, (row_of(plan) for plan in planned()))


def row_of(plan: Plan) -> tuple[str, ...]:
    """One load."""
    return (
        f"{plan.hourly:,}",
        f"{plan.hourly / 3600 * PEAK:,.0f}",
        f"{plan.cells}",
        f"{plan.cell.api * plan.cells}",
        f"{slots_of_all(plan)}",
        f"{plan.record_gb:.1f} GB",
        f"{plan.file_mb:.1f} MB/s",
        f"{plan.waits.store:.0%}",
        shown_time(plan.waits.p50),
        shown_time(plan.waits.p99),
    )


def placed() -> str:
    """How even tenants lie."""
    rows = (
        (
            f"{cells}",
            f"{1 / cells:.0%}",
            f"{hottest(TENANTS, cells):.0%}",
            f"{hottest_by_chance(TENANTS, cells):.0%}",
        )
        for cells in SPREAD
    )
    return table(("cells", "even", "the largest first", "by a hash"), rows)


def signals() -> str:
    """What came of each signal."""
    head = ("more workers when", "jobs of", "longest wait", f"waited over {AGE:g} s", "slot hours")
    rows = (
        (
            signal,
            f"{kind.seconds:g} s",
            f"{trace.worst:.0f} s",
            f"{trace.late:.0%}",
            f"{trace.slot_hours:.0f}",
        )
        for signal, kind, trace in traced()
    )
    return table(head, rows)


PARTS: Parts = {"inputs": inputs, "loads": loads, "placed": placed, "signals": signals}


def shown_time(seconds: float) -> str:
    """Two digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size * 0.995:
            return f"{seconds / size:.{0 if seconds >= 9.95 * size else 1}f} {unit}"
    return f"{seconds * 1e6:.0f} µs"
