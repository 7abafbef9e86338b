"""What ours is to reach, as ratios and limits, and whether it does."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.stacks import CELERY, OURS

type Round = dict[str, dict[str, float]]
"""The figures of every stack in one round, by the stack's name."""

KEPT, MISSED = "kept", "MISSED"
MANY = 100
"""From here on figures are told without decimals."""


class Target(NamedTuple):
    """A limit that the median of ``values`` is at least (``least``) or at most."""

    what: str
    limit: float
    unit: str
    values: Callable[[dict[str, Any]], list[float]]
    least: bool = True


class Judged(NamedTuple):
    """What a target came to: median, lowest, highest, and whether that is good enough."""

    target: Target
    middle: float
    lowest: float
    highest: float
    is_kept: bool

    def line(self) -> str:
        """One line of the table."""
        what, limit, unit, _, least = self.target
        wanted = f"{'>=' if least else '<='} {number(limit)}{unit}"
        between = f"{number(self.lowest)} to {number(self.highest)}"
        rounds = between if self.lowest != self.highest else ""
        verdict = KEPT if self.is_kept else MISSED
        return f"{what:<42}{wanted:>15}{number(self.middle) + unit:>15}  {rounds:<16} {verdict}"


def judged(target: Target, results: dict[str, Any]) -> Judged:
    """The target beside what was measured."""
    values = target.values(results)
    middle = median(values)
    is_kept = middle >= target.limit if target.least else middle <= target.limit
    return Judged(target, middle, min(values), max(values), is_kept)


def number(value: float) -> str:
    """With as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= MANY else f"{value:.3g}"


def per_round(figure: Callable[[Round], float]) -> Callable[[dict[str, Any]], list[float]]:
    """A figure of each round: a ratio compares what was measured minutes apart, not more."""
    return lambda results: [figure(each) for each in results["rounds"]]


def to_celery(figure: str, other: str = "") -> Callable[[dict[str, Any]], list[float]]:
    """Ours to that of FastAPI and Celery."""
    return per_round(lambda each: each[OURS.name][figure] / each[CELERY.name][other or figure])


def to_fastest(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """Ours to the highest of all others."""
    return per_round(lambda each: each[OURS.name][figure] / fastest(each, figure))


def fastest(each: Round, figure: str) -> float:
    """The highest of all but ours."""
    return max(figures[figure] for name, figures in each.items() if name != OURS.name)


def ours(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """Ours as it is."""
    return per_round(lambda each: each[OURS.name][figure])


def grown(figure: str) -> Callable[[dict[str, Any]], list[float]]:
    """At the most records to what it was at the fewest."""
    return lambda results: [results["growth"][-1][figure] / results["growth"][0][figure]]


TARGETS: Sequence[Target] = (
    Target("POST one job, 64 clients : Celery", 6, "x", to_celery("post_64_per_s")),
    Target("POST one job, 64 clients : fastest peer", 2, "x", to_fastest("post_64_per_s")),
    Target(
        "POST 1,000 jobs : Celery one by one", 20, "x", to_celery("bulk_per_s", "post_64_per_s")
    ),
    Target(
        "POST 1,000 jobs : bare LPUSH, pipelined",
        1 / 3,
        "x",
        per_round(lambda each: each[OURS.name]["bulk_per_s"] / each[OURS.name]["bulk_bare_per_s"]),
    ),
    Target("GET status, 64 clients : Celery", 4, "x", to_celery("get_64_per_s")),
    Target("GET status, 64 clients : fastest peer", 2, "x", to_fastest("get_64_per_s")),
    Target("drain, 2 processes : Celery", 3, "x", to_celery("drain_per_s")),
    Target("drain, 2 processes : fastest peer", 1, "x", to_fastest("drain_per_s")),
    Target("pickup, idle, p50", 5, " ms", ours("pickup_idle_p50_ms"), least=False),
    Target("pickup, half load, p99", 50, " ms", ours("pickup_half_p99_ms"), least=False),
    Target("GET, most : fewest records", 1.5, "x", grown("get_p50_ms"), least=False),
    Target("list page, most : fewest records", 1.5, "x", grown("list_p50_ms"), least=False),
    Target("stats, most : fewest records", 1.5, "x", grown("stats_p50_ms"), least=False),
    Target(
        "Valkey's memory per finished record",
        1_024,
        " bytes",
        lambda results: [results["growth"][-1]["bytes_per_record"]],
        least=False,
    ),
)
