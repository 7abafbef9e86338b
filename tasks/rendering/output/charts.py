"""Where the marks of a chart stand. Fractions of the drawing area; the template draws."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from tasks.rendering.definitions.schema import Chart
from tasks.rendering.output.formats import format_axis_value, format_value, shorten_label

MIN_POINTS = 2
"""Points below which a chart says nothing a tile does not say."""
STEPS_PER_AXIS = 4
MAX_LABELS = 12
"""Labels that fit under a line chart."""

MAX_SERIES = 5
"""Parts of a column that have a colour of their own."""
OTHER_LABEL = "Other"


class Mark(NamedTuple):
    """A value and what it is of; ``part`` of a column, if columns have parts."""

    label: str
    value: float
    part: str = ""


@dataclass(frozen=True)
class ChartAxis:
    """An axis from a round number to a round number."""

    low: float
    high: float
    step: float

    @classmethod
    def from_values(cls, values: Sequence[float]) -> "ChartAxis":
        """The tightest scale with round steps that holds zero and all values."""
        low, high = min(0.0, *values), max(0.0, *values)
        step = _round_up_step((high - low) / STEPS_PER_AXIS)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step or step, step)

    def place(self, value: float) -> float:
        """Where a value stands: 0 at the low end, 1 at the high end."""
        return round((value - self.low) / (self.high - self.low), 6)

    @property
    def ticks(self) -> list[float]:
        """The values that get a line, low to high."""
        count = round((self.high - self.low) / self.step)
        return [round(self.low + self.step * number, 9) for number in range(count + 1)]


def build_chart(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any] | None:
    """What the template draws, None when there are too few marks to compare."""
    known = [mark for mark in marks if math.isfinite(mark.value)]
    if chart.kind in ("stacked", "share"):
        known = [mark for mark in known if mark.value > 0]
    if len({mark.label for mark in known}) < MIN_POINTS:
        return None
    return {
        "kind": chart.kind,
        "title": chart.title,
        "note": "",
        **_BUILDERS[chart.kind](chart, known),
    }


def _build_bars(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    kept = marks[: chart.most]
    scale = ChartAxis.from_values([mark.value for mark in kept])
    zero = scale.place(0)
    bars = [
        {
            "label": shorten_label(label),
            "text": format_value(value, chart.format),
            "start": min(zero, scale.place(value)),
            "length": round(abs(scale.place(value) - zero), 6),
        }
        for label, value, _ in kept
    ]
    note = f"The {len(kept)} largest of {len(marks)}" if len(kept) < len(marks) else ""
    told = "; ".join(f"{bar['label']} {bar['text']}" for bar in bars)
    return {"bars": bars, "note": note, "alt": f"Bar chart, {chart.title}: {told}"}


def _build_line(chart: Chart, points: Sequence[Mark]) -> dict[str, Any]:
    scale = ChartAxis.from_values([mark.value for mark in points])
    last = len(points) - 1
    every = math.ceil(len(points) / MAX_LABELS)
    spots = [[round(at / last, 6), scale.place(mark.value)] for at, mark in enumerate(points)]
    return {
        "points": spots,
        "zero": scale.place(0),
        "ticks": _build_ticks(scale, chart),
        "labels": [
            {"at": spots[at][0], "label": shorten_label(points[at].label)}
            for at in range(0, len(points), every)
        ],
        "alt": _describe_line(chart, points),
    }


def _describe_line(chart: Chart, points: Sequence[Mark]) -> str:
    def told(point: Mark) -> str:
        return f"{format_value(point.value, chart.format)} at {point.label}"

    lowest, highest = (pick(points, key=lambda point: point.value) for pick in (min, max))
    return (
        f"Line chart, {chart.title}: from {told(points[0])} to {told(points[-1])}; "
        f"lowest {told(lowest)}, highest {told(highest)}"
    )


def _build_stack(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    """Columns in the order of ``x``; the largest series have a colour, the rest is added up."""
    names = _find_largest_series(marks)
    heights: dict[str, dict[str, float]] = {mark.label: {} for mark in marks}
    for label, value, part in marks:
        name = part if part in names else OTHER_LABEL
        heights[label][name] = heights[label].get(name, 0.0) + value
    scale = ChartAxis.from_values([sum(parts.values()) for parts in heights.values()])
    every = math.ceil(len(heights) / MAX_LABELS)
    columns = [
        {
            "label": shorten_label(label) if at % every == 0 else "",
            "parts": _stack_lengths([scale.place(parts.get(name, 0.0)) for name in names]),
        }
        for at, (label, parts) in enumerate(heights.items())
    ]
    return {
        "columns": columns,
        "legend": [shorten_label(name) for name in names],
        "ticks": _build_ticks(scale, chart),
        "alt": _describe_stack(chart, names, heights),
    }


def _describe_stack(
    chart: Chart, names: Sequence[str], heights: Mapping[str, Mapping[str, float]]
) -> str:
    sums = {name: sum(parts.get(name, 0.0) for parts in heights.values()) for name in names}
    told = "; ".join(f"{name} {format_value(value, chart.format)}" for name, value in sums.items())
    return f"Stacked columns, {chart.title}, {len(heights)} columns; in all of them: {told}"


def _find_largest_series(marks: Sequence[Mark]) -> list[str]:
    """The series by their sums, and "Other" if there are more than have a colour."""
    sums: dict[str, float] = {}
    for mark in marks:
        sums[mark.part] = sums.get(mark.part, 0.0) + mark.value
    names = sorted(sums, key=lambda name: (-sums[name], name))
    return names if len(names) <= MAX_SERIES + 1 else [*names[:MAX_SERIES], OTHER_LABEL]


def _stack_lengths(lengths: Sequence[float]) -> list[dict[str, float]]:
    """Lengths one upon the other."""
    starts = accumulate(lengths, initial=0.0)
    return [
        {"start": round(start, 6), "length": length}
        for start, length in zip(starts, lengths, strict=False)
    ]


def _build_shares(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    """One bar that is all of it, and its parts, the largest first."""
    most = min(chart.most, MAX_SERIES)
    kept, rest = list(marks[:most]), marks[most:]
    if rest:
        kept.append(Mark(f"{OTHER_LABEL} ({len(rest)})", sum(mark.value for mark in rest)))
    whole = sum(mark.value for mark in kept)
    shares = [round(mark.value / whole, 6) for mark in kept]
    parts = [
        {
            "label": shorten_label(mark.label),
            "text": format_value(mark.value, chart.format),
            "share": format_value(share, "percent"),
            **place,
        }
        for mark, share, place in zip(kept, shares, _stack_lengths(shares), strict=True)
    ]
    told = "; ".join(f"{part['label']} {part['share']}" for part in parts)
    return {"parts": parts, "alt": f"Shares, {chart.title}: {told}"}


def _build_ticks(scale: ChartAxis, chart: Chart) -> list[dict[str, Any]]:
    return [
        {"at": scale.place(t), "label": format_axis_value(t, chart.format)} for t in scale.ticks
    ]


_BUILDERS: dict[str, Callable[[Chart, Sequence[Mark]], dict[str, Any]]] = {
    "bar": _build_bars,
    "line": _build_line,
    "stacked": _build_stack,
    "share": _build_shares,
}


def _round_up_step(step: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if step <= power * nice * (1 + 1e-9))
