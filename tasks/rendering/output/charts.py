"""Computes the geometry of charts, as fractions of the drawing area; the templates draw them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from tasks.rendering.definitions.schema import Chart
from tasks.rendering.output.formats import ValueFormatter, shorten_label

MIN_POINTS = 2
"""A chart with fewer groups is left out: there is nothing to compare."""
STEPS_PER_AXIS = 4
MAX_LABELS = 12
"""Maximum number of labels below a chart."""

MAX_SERIES = 5
"""Series with a colour of their own; the others are added up."""
OTHER_LABEL = "Other"


class Mark(NamedTuple):
    """A value and its label; ``part`` names the series in a stacked chart."""

    label: str
    value: float
    part: str = ""


@dataclass(frozen=True)
class ChartAxis:
    """An axis from ``low`` to ``high``, both round numbers."""

    low: float
    high: float
    step: float

    @classmethod
    def from_values(cls, values: Sequence[float]) -> "ChartAxis":
        """Return the shortest axis with round steps that contains zero and all values."""
        low, high = min(0.0, *values), max(0.0, *values)
        step = _round_up_step((high - low) / STEPS_PER_AXIS)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step or step, step)

    def position_of(self, value: float) -> float:
        """Return the position of a value: 0 at the low end, 1 at the high end."""
        return round((value - self.low) / (self.high - self.low), 6)

    @property
    def ticks(self) -> list[float]:
        """The values to draw a line at, in ascending order."""
        count = round((self.high - self.low) / self.step)
        return [round(self.low + self.step * number, 9) for number in range(count + 1)]


def build_chart(
    chart: Chart, marks: Sequence[Mark], formats: ValueFormatter
) -> dict[str, Any] | None:
    """Return the data that the templates draw; None with fewer than ``MIN_POINTS`` groups."""
    drawn = [mark for mark in marks if math.isfinite(mark.value)]
    if chart.kind in ("stacked", "share"):
        drawn = [mark for mark in drawn if mark.value > 0]
    if len({mark.label for mark in drawn}) < MIN_POINTS:
        return None
    return {
        "kind": chart.kind,
        "title": chart.title,
        "note": "",
        **_BUILDERS[chart.kind](chart, drawn, formats),
    }


def _build_bars(chart: Chart, marks: Sequence[Mark], formats: ValueFormatter) -> dict[str, Any]:
    kept = marks[: chart.most]
    axis = ChartAxis.from_values([mark.value for mark in kept])
    zero = axis.position_of(0)
    bars = [
        {
            "label": shorten_label(label),
            "text": formats.format_value(value, chart.format),
            "start": min(zero, axis.position_of(value)),
            "length": round(abs(axis.position_of(value) - zero), 6),
        }
        for label, value, _ in kept
    ]
    note = f"The {len(kept)} largest of {len(marks)}" if len(kept) < len(marks) else ""
    summary = "; ".join(f"{bar['label']} {bar['text']}" for bar in bars)
    return {"bars": bars, "note": note, "alt": f"Bar chart, {chart.title}: {summary}"}


def _build_line(chart: Chart, points: Sequence[Mark], formats: ValueFormatter) -> dict[str, Any]:
    axis = ChartAxis.from_values([mark.value for mark in points])
    last = len(points) - 1
    step = math.ceil(len(points) / MAX_LABELS)
    positions = [
        [round(at / last, 6), axis.position_of(mark.value)] for at, mark in enumerate(points)
    ]
    return {
        "points": positions,
        "zero": axis.position_of(0),
        "ticks": _build_ticks(axis, chart, formats),
        "labels": [
            {"at": positions[at][0], "label": shorten_label(points[at].label)}
            for at in range(0, len(points), step)
        ],
        "alt": _describe_line(chart, points, formats),
    }


def _describe_line(chart: Chart, points: Sequence[Mark], formats: ValueFormatter) -> str:
    def describe(point: Mark) -> str:
        return f"{formats.format_value(point.value, chart.format)} at {point.label}"

    lowest, highest = (pick(points, key=lambda point: point.value) for pick in (min, max))
    return (
        f"Line chart, {chart.title}: from {describe(points[0])} to {describe(points[-1])}; "
        f"lowest {describe(lowest)}, highest {describe(highest)}"
    )


def _build_stack(chart: Chart, marks: Sequence[Mark], formats: ValueFormatter) -> dict[str, Any]:
    """Stack the series of each column; the largest have a colour, the others are added up."""
    names = _find_largest_series(marks)
    heights: dict[str, dict[str, float]] = {mark.label: {} for mark in marks}
    for label, value, part in marks:
        name = part if part in names else OTHER_LABEL
        heights[label][name] = heights[label].get(name, 0.0) + value
    axis = ChartAxis.from_values([sum(parts.values()) for parts in heights.values()])
    step = math.ceil(len(heights) / MAX_LABELS)
    columns = [
        {
            "label": shorten_label(label) if at % step == 0 else "",
            "parts": _stack_lengths([axis.position_of(parts.get(name, 0.0)) for name in names]),
        }
        for at, (label, parts) in enumerate(heights.items())
    ]
    return {
        "columns": columns,
        "legend": [shorten_label(name) for name in names],
        "ticks": _build_ticks(axis, chart, formats),
        "alt": _describe_stack(chart, names, heights, formats),
    }


def _describe_stack(
    chart: Chart,
    names: Sequence[str],
    heights: Mapping[str, Mapping[str, float]],
    formats: ValueFormatter,
) -> str:
    sums = {name: sum(parts.get(name, 0.0) for parts in heights.values()) for name in names}
    totals = "; ".join(
        f"{name} {formats.format_value(value, chart.format)}" for name, value in sums.items()
    )
    return f"Stacked columns, {chart.title}, {len(heights)} columns; in all of them: {totals}"


def _find_largest_series(marks: Sequence[Mark]) -> list[str]:
    """Return the series by descending sum, with "Other" at the end for those without a colour."""
    sums: dict[str, float] = {}
    for mark in marks:
        sums[mark.part] = sums.get(mark.part, 0.0) + mark.value
    names = sorted(sums, key=lambda name: (-sums[name], name))
    return names if len(names) <= MAX_SERIES + 1 else [*names[:MAX_SERIES], OTHER_LABEL]


def _stack_lengths(lengths: Sequence[float]) -> list[dict[str, float]]:
    """Stack the lengths: each starts where the one before ends."""
    starts = accumulate(lengths, initial=0.0)
    return [
        {"start": round(start, 6), "length": length}
        for start, length in zip(starts, lengths, strict=False)
    ]


def _build_shares(chart: Chart, marks: Sequence[Mark], formats: ValueFormatter) -> dict[str, Any]:
    """Split one bar into shares, the largest first; the rest is added up."""
    count = min(chart.most, MAX_SERIES)
    kept, rest = list(marks[:count]), marks[count:]
    if rest:
        kept.append(Mark(f"{OTHER_LABEL} ({len(rest)})", sum(mark.value for mark in rest)))
    total = sum(mark.value for mark in kept)
    shares = [round(mark.value / total, 6) for mark in kept]
    parts = [
        {
            "label": shorten_label(mark.label),
            "text": formats.format_value(mark.value, chart.format),
            "share": formats.format_value(share, "percent"),
            **position,
        }
        for mark, share, position in zip(kept, shares, _stack_lengths(shares), strict=True)
    ]
    summary = "; ".join(f"{part['label']} {part['share']}" for part in parts)
    return {"parts": parts, "alt": f"Shares, {chart.title}: {summary}"}


def _build_ticks(axis: ChartAxis, chart: Chart, formats: ValueFormatter) -> list[dict[str, Any]]:
    return [
        {"at": axis.position_of(tick), "label": formats.format_axis_value(tick, chart.format)}
        for tick in axis.ticks
    ]


_BUILDERS: dict[str, Callable[[Chart, Sequence[Mark], ValueFormatter], dict[str, Any]]] = {
    "bar": _build_bars,
    "line": _build_line,
    "stacked": _build_stack,
    "share": _build_shares,
}


def _round_up_step(step: float) -> float:
    """Round up to 1, 2, 2.5, 5 or 10 times a power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(
        power * factor for factor in (1, 2, 2.5, 5, 10) if step <= power * factor * (1 + 1e-9)
    )
