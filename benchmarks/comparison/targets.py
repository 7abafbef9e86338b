"""The targets of Continuo, as ratios and limits, and how results are judged."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.stacks.registry import CELERY, OURS

type Round = dict[str, dict[str, float]]
"""The figures of every stack in one round, by the stack's name."""

KEPT, MISSED = "kept", "MISSED"
MIN_WITHOUT_DECIMALS = 100
"""Figures from here on are printed without decimals."""


class BenchmarkTarget(NamedTuple):
    """A limit for the median of ``values``: a lower one (``least``) or an upper one."""

    what: str
    limit: float
    unit: str
    values: Callable[[dict[str, Any]], list[float]]
    least: bool = True


class TargetResult(NamedTuple):
    """The median, the lowest and the highest value, and whether the target is reached."""

    target: BenchmarkTarget
    middle: float
    lowest: float
    highest: float
    is_kept: bool

    def line(self) -> str:
        """Format the result as one line of the table."""
        what, limit, unit, _, least = self.target
        wanted = f"{'>=' if least else '<='} {format_number(limit)}{unit}"
        between = f"{format_number(self.lowest)} to {format_number(self.highest)}"
        rounds = between if self.lowest != self.highest else ""
        verdict = KEPT if self.is_kept else MISSED
        return (
            f"{what:<42}{wanted:>15}{format_number(self.middle) + unit:>15}  {rounds:<16} {verdict}"
        )


def judge(target: BenchmarkTarget, results: dict[str, Any]) -> TargetResult:
    """Compare a target with the results."""
    values = target.values(results)
    middle = median(values)
    is_kept = middle >= target.limit if target.least else middle <= target.limit
    return TargetResult(target, middle, min(values), max(values), is_kept)


def format_number(value: float) -> str:
    """Format with as many digits as are significant."""
    return f"{value:,.0f}" if abs(value) >= MIN_WITHOUT_DECIMALS else f"{value:.3g}"


def select_each_round(figure: Callable[[Round], float]) -> Callable[[dict[str, Any]], list[float]]:
    """One figure per round: a ratio compares measurements of the same round."""
    return lambda results: [figure(each) for each in results["rounds"]]


def divide_by_celery(figure: str, other: str = "") -> Callable[[dict[str, Any]], list[float]]:
    """Our figure divided by that of FastAPI and Celery."""
    return select_each_round(
        lambda each: each[OURS.name][figure] / each[CELERY.name][other or figure]
    )


def divide_by_fastest(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """Our figure divided by the highest of all other stacks."""
    return select_each_round(lambda each: each[OURS.name][figure] / fastest_of(each, figure))


def fastest_of(each: Round, figure: str) -> float:
    """The highest figure of all stacks but ours."""
    return max(figures[figure] for name, figures in each.items() if name != OURS.name)


def select_own(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """Our figure."""
    return select_each_round(lambda each: each[OURS.name][figure])


def select_naps(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """Our figure for asynchronous jobs."""
    return lambda results: [each[OURS.name][figure] for each in results["naps"]]


def divide_by_fewest(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """The figure at the largest number of records divided by that at the smallest."""
    return lambda results: [results["growth"][-1][figure] / results["growth"][0][figure]]


TARGETS: Sequence[BenchmarkTarget] = (
    BenchmarkTarget("POST one job, 64 clients : Celery", 6, "x", divide_by_celery("post_64_per_s")),
    BenchmarkTarget(
        "POST one job, 64 clients : fastest peer", 2, "x", divide_by_fastest("post_64_per_s")
    ),
    BenchmarkTarget(
        "POST 1,000 jobs : Celery one by one",
        20,
        "x",
        divide_by_celery("bulk_per_s", "post_64_per_s"),
    ),
    BenchmarkTarget(
        "POST 1,000 jobs : bare LPUSH, pipelined",
        1 / 3,
        "x",
        select_each_round(
            lambda each: each[OURS.name]["bulk_per_s"] / each[OURS.name]["bulk_bare_per_s"]
        ),
    ),
    BenchmarkTarget("GET status, 64 clients : Celery", 4, "x", divide_by_celery("get_64_per_s")),
    BenchmarkTarget(
        "GET status, 64 clients : fastest peer", 2, "x", divide_by_fastest("get_64_per_s")
    ),
    BenchmarkTarget("drain, 2 processes : Celery", 3, "x", divide_by_celery("drain_per_s")),
    BenchmarkTarget(
        "drain, 2 processes : fastest peer", 1.2, "x", divide_by_fastest("drain_per_s")
    ),
    BenchmarkTarget(
        "drain with Flower listening : without",
        0.85,
        "x",
        select_each_round(
            lambda each: each[OURS.name]["drain_flower_per_s"] / each[OURS.name]["drain_per_s"]
        ),
    ),
    BenchmarkTarget(
        "drain with Flower listening : Celery", 5, "x", divide_by_celery("drain_flower_per_s")
    ),
    BenchmarkTarget(
        "CPU time of an empty job, with Valkey",
        0.35,
        " ms",
        select_each_round(
            lambda each: each[OURS.name]["drain_cpu_ms"] + each[OURS.name]["drain_valkey_cpu_ms"]
        ),
        least=False,
    ),
    BenchmarkTarget("pickup, idle, p50", 1, " ms", select_own("pickup_idle_p50_ms"), least=False),
    BenchmarkTarget("pickup, idle, p99", 3, " ms", select_own("pickup_idle_p99_ms"), least=False),
    BenchmarkTarget(
        "pickup, half load, p50", 3, " ms", select_own("pickup_half_p50_ms"), least=False
    ),
    BenchmarkTarget(
        "pickup, half load, p99", 20, " ms", select_own("pickup_half_p99_ms"), least=False
    ),
    BenchmarkTarget(
        "1,000 async jobs of 1 s, one process", 1.5, " s", select_naps("naps_s"), least=False
    ),
    BenchmarkTarget("memory of that worker", 200, " MB", select_naps("naps_mb"), least=False),
    BenchmarkTarget(
        "worker of 2 processes, idle", 105, " MB", select_own("worker_idle_mb"), least=False
    ),
    BenchmarkTarget(
        "GET, most : fewest records", 1.5, "x", divide_by_fewest("get_p50_ms"), least=False
    ),
    BenchmarkTarget(
        "list page, most : fewest records", 1.5, "x", divide_by_fewest("list_p50_ms"), least=False
    ),
    BenchmarkTarget(
        "stats, most : fewest records", 1.5, "x", divide_by_fewest("stats_p50_ms"), least=False
    ),
    BenchmarkTarget(
        "Valkey's memory per finished record",
        1_024,
        " bytes",
        lambda results: [results["growth"][-1]["bytes_per_record"]],
        least=False,
    ),
)
