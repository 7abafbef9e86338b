"""Format the results: ratios first, then every stack, then Continuo's own figures."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks.comparison.targets import MISSED, TARGETS, Round, format_number, judge
from benchmarks.stacks.registry import OURS

type Columns = Sequence[tuple[str, str]]
"""Headings with the names of the figures below them."""

HTTP_COLUMNS: Columns = (
    ("POST/s, 64", "post_64_per_s"),
    ("one", "post_1_per_s"),
    ("p50 ms", "post_fixed_p50_ms"),
    ("p99 ms", "post_fixed_p99_ms"),
    ("GET/s, 64", "get_64_per_s"),
    ("one", "get_1_per_s"),
    ("p50 ms", "get_fixed_p50_ms"),
    ("p99 ms", "get_fixed_p99_ms"),
)
WORK_COLUMNS: Columns = (
    ("enqueue/s", "enqueue_per_s"),
    ("drain/s", "drain_per_s"),
    ("CPU ms/job", "drain_cpu_ms"),
    ("in Valkey", "drain_valkey_cpu_ms"),
    ("idle p50", "pickup_idle_p50_ms"),
    ("idle p99", "pickup_idle_p99_ms"),
    ("half p50", "pickup_half_p50_ms"),
    ("half p99", "pickup_half_p99_ms"),
)
FLOWER_COLUMNS: Columns = (
    ("drain/s", "drain_flower_per_s"),
    ("CPU ms/job", "drain_flower_cpu_ms"),
    ("in Valkey", "drain_flower_valkey_cpu_ms"),
    ("in Flower", "flower_cpu_ms"),
)
NAP_COLUMNS: Columns = (("seconds", "naps_s"), ("MB", "naps_mb"))
MEMORY_COLUMNS: Columns = (
    ("API, idle", "api_idle_mb"),
    ("after", "api_after_mb"),
    ("worker, idle", "worker_idle_mb"),
    ("after", "worker_after_mb"),
    ("Valkey, idle", "valkey_idle_mb"),
    ("after", "valkey_after_mb"),
)
GROWTH_COLUMNS: Columns = (
    ("records", "records"),
    ("GET", "get_p50_ms"),
    ("list page", "list_p50_ms"),
    ("stats", "stats_p50_ms"),
    ("POST", "post_p50_ms"),
    ("bytes/record", "bytes_per_record"),
)


def format_report(results: dict[str, Any]) -> Iterator[str]:
    """The lines of the whole report."""
    yield from format_ratios(results)
    fixed = "{post_rate:g} POST/s and {get_rate:g} GET/s".format_map(results["scale"])
    yield f"\nHTTP: 64 clients, one client, and latencies of an open loop of {fixed}"
    yield from format_table(results["rounds"], HTTP_COLUMNS)
    yield "\nworker, 2 processes: drain of empty jobs; pickup in ms from enqueue to start"
    yield from format_table(results["rounds"], WORK_COLUMNS)
    yield "\nthe same drain while Flower listens"
    yield from format_table(results["rounds"], FLOWER_COLUMNS)
    yield "\n1,000 asynchronous jobs that sleep one second, in one process"
    yield from format_table(results["naps"], NAP_COLUMNS)
    yield "\nresident memory, MB"
    yield from format_table(results["rounds"], MEMORY_COLUMNS)
    yield "\nours as records pile up: one client, median ms"
    yield format_row("", [heading for heading, _ in GROWTH_COLUMNS])
    for step in results["growth"]:
        yield format_row("", [format_number(step[figure]) for _, figure in GROWTH_COLUMNS])
    yield from format_own_figures(results)


def format_ratios(results: dict[str, Any]) -> Iterator[str]:
    """Every target beside its measurement; missed targets are repeated at the end."""
    yield f"\n{'ours : theirs':<42}{'wanted':>15}{'measured':>15}  rounds"
    found = [judge(target, results) for target in TARGETS]
    yield from (each.line() for each in found)
    if missed := [each.target.what for each in found if not each.is_kept]:
        yield f"{MISSED} {len(missed)} of {len(found)} targets: {'; '.join(missed)}"


def format_table(rounds: Sequence[Round], columns: Columns) -> Iterator[str]:
    """One line for each stack that has these figures."""
    yield format_row("", [heading for heading, _ in columns])
    first = columns[0][1]
    for stack in [name for name, figures in rounds[0].items() if first in figures]:
        yield format_row(
            stack, [format_cell([each[stack][figure] for each in rounds]) for _, figure in columns]
        )


def format_row(name: str, cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"{name:<9}" + "".join(f"{each:>13}" for each in cells)


def format_cell(values: Sequence[float]) -> str:
    """The median and the distance of the furthest round from it."""
    middle = median(values)
    furthest = max(abs(value - middle) for value in values)
    return (
        f"{format_number(middle)} ±{furthest / middle:.0%}"
        if furthest and middle
        else format_number(middle)
    )


def format_own_figures(results: dict[str, Any]) -> Iterator[str]:
    """The figures that only Continuo has: bulk and real work."""

    def ours(figure: str) -> str:
        return format_cell([each[OURS.name][figure] for each in results["rounds"]])

    yield f"\nours in bulk, jobs/s: {ours('bulk_per_s')} by POST of 1,000"
    yield f"  {ours('bulk_library_per_s')} by enqueue_many, {ours('bulk_bare_per_s')} by bare LPUSH"
    work = results["work"]
    reports, mails = format_number(work["reports_per_s"]), format_number(work["mails_per_s"])
    yield f"ours at real work: {reports} reports/s, {mails} mails/s"
