"""Where the marks of a chart stand. Fractions of the drawing area; the template draws."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from tasks.rendering.definitions.schema import Chart
from tasks.rendering.output.formats import rough, shortened, written

FEWEST = 2
"""Points below which a chart says nothing a tile does not say."""
TICKS = 4
LABELS = 12
"""Labels that fit under a line chart."""

MOST_SERIES = 5
"""Parts of a column that have a colour of their own."""
OTHER = "Other"


class Mark(NamedTuple):
    """A value and what it is of; ``part`` of a column, if columns have parts."""

    label: str
    value: float
    part: str = ""


@dataclass(frozen=True)
class Scale:
    """An axis from a round number to a round number."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: Sequence[float]) -> "Scale":
        """The tightest scale with round steps that holds zero and all values."""
        low, high = min(0.0, *values), max(0.0, *values)
        step = _round_step((high - low) / TICKS)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step or step, step)

    def place(self, value: float) -> float:
        """Where a value stands: 0 at the low end, 1 at the high end."""
        return round((value - self.low) / (self.high - self.low), 6)

    @property
    def ticks(self) -> list[float]:
        """The values that get a line, low to high."""
        count = round((self.high - self.low) / self.step)
        return [round(self.low + self.step * number, 9) for number in range(count + 1)]


def drawn(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any] | None:
    """What the template draws, None when there are too few marks to compare."""
    known = [mark for mark in marks if math.isfinite(mark.value)]
    if chart.kind in ("stacked", "share"):
        known = [mark for mark in known if mark.value > 0]
    if len({mark.label for mark in known}) < FEWEST:
        return None
    return {
        "kind": chart.kind,
        "title": chart.title,
        "note": "",
        **_SHAPES[chart.kind](chart, known),
    }


def _bars(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    kept = marks[: chart.most]
    scale = Scale.over([mark.value for mark in kept])
    zero = scale.place(0)
    bars = [
        {
            "label": shortened(label),
            "text": written(value, chart.format),
            "start": min(zero, scale.place(value)),
            "length": round(abs(scale.place(value) - zero), 6),
        }
        for label, value, _ in kept
    ]
    note = f"The {len(kept)} largest of {len(marks)}" if len(kept) < len(marks) else ""
    told = "; ".join(f"{bar['label']} {bar['text']}" for bar in bars)
    return {"bars": bars, "note": note, "alt": f"Bar chart, {chart.title}: {told}"}


def _line(chart: Chart, points: Sequence[Mark]) -> dict[str, Any]:
    scale = Scale.over([mark.value for mark in points])
    last = len(points) - 1
    every = math.ceil(len(points) / LABELS)
    spots = [[round(at / last, 6), scale.place(mark.value)] for at, mark in enumerate(points)]
    return {
        "points": spots,
        "zero": scale.place(0),
        "ticks": _ticks(scale, chart),
        "labels": [
            {"at": spots[at][0], "label": shortened(points[at].label)}
            for at in range(0, len(points), every)
        ],
        "alt": _line_alt(chart, points),
    }


def _line_alt(chart: Chart, points: Sequence[Mark]) -> str:
    def told(point: Mark) -> str:
        return f"{written(point.value, chart.format)} at {point.label}"

    lowest, highest = (pick(points, key=lambda point: point.value) for pick in (min, max))
    return (
        f"Line chart, {chart.title}: from {told(points[0])} to {told(points[-1])}; "
        f"lowest {told(lowest)}, highest {told(highest)}"
    )


def _stacked(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    """Columns in the order of ``x``; the largest series have a colour, the rest is added up."""
    names = _largest(marks)
    heights: dict[str, dict[str, float]] = {mark.label: {} for mark in marks}
    for label, value, part in marks:
        name = part if part in names else OTHER
        heights[label][name] = heights[label].get(name, 0.0) + value
    scale = Scale.over([sum(parts.values()) for parts in heights.values()])
    every = math.ceil(len(heights) / LABELS)
    columns = [
        {
            "label": shortened(label) if at % every == 0 else "",
            "parts": _piled([scale.place(parts.get(name, 0.0)) for name in names]),
        }
        for at, (label, parts) in enumerate(heights.items())
    ]
    return {
        "columns": columns,
        "legend": [shortened(name) for name in names],
        "ticks": _ticks(scale, chart),
        "alt": _stacked_alt(chart, names, heights),
    }


def _stacked_alt(
    chart: Chart, names: Sequence[str], heights: Mapping[str, Mapping[str, float]]
) -> str:
    sums = {name: sum(parts.get(name, 0.0) for parts in heights.values()) for name in names}
    told = "; ".join(f"{name} {written(value, chart.format)}" for name, value in sums.items())
    return f"Stacked columns, {chart.title}, {len(heights)} columns; in all of them: {told}"


def _largest(marks: Sequence[Mark]) -> list[str]:
    """The series by their sums, and "Other" if there are more than have a colour."""
    sums: dict[str, float] = {}
    for mark in marks:
        sums[mark.part] = sums.get(mark.part, 0.0) + mark.value
    names = sorted(sums, key=lambda name: (-sums[name], name))
    return names if len(names) <= MOST_SERIES + 1 else [*names[:MOST_SERIES], OTHER]


def _piled(lengths: Sequence[float]) -> list[dict[str, float]]:
    """Lengths one upon the other."""
    starts = accumulate(lengths, initial=0.0)
    return [
        {"start": round(start, 6), "length": length}
        for start, length in zip(starts, lengths, strict=False)
    ]


def _shares(chart: Chart, marks: Sequence[Mark]) -> dict[str, Any]:
    """One bar that is all of it, and its parts, the largest first."""
    most = min(chart.most, MOST_SERIES)
    kept, rest = list(marks[:most]), marks[most:]
    if rest:
        kept.append(Mark(f"{OTHER} ({len(rest)})", sum(mark.value for mark in rest)))
    whole = sum(mark.value for mark in kept)
    shares = [round(mark.value / whole, 6) for mark in kept]
    parts = [
        {
            "label": shortened(mark.label),
            "text": written(mark.value, chart.format),
            "share": written(share, "percent"),
            **place,
        }
        for mark, share, place in zip(kept, shares, _piled(shares), strict=True)
    ]
    told = "; ".join(f"{part['label']} {part['share']}" for part in parts)
    return {"parts": parts, "alt": f"Shares, {chart.title}: {told}"}


def _ticks(scale: Scale, chart: Chart) -> list[dict[str, Any]]:
    return [{"at": scale.place(t), "label": rough(t, chart.format)} for t in scale.ticks]


_SHAPES: dict[str, Callable[[Chart, Sequence[Mark]], dict[str, Any]]] = {
    "bar": _bars,
    "line": _line,
    "stacked": _stacked,
    "share": _shares,
}


def _round_step(step: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if step <= power * nice * (1 + 1e-9))
