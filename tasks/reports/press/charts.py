"""Where the marks of a chart stand. Fractions of the drawing area; the template draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .formats import rough, shortened, written
from .orders import Chart

FEWEST = 2
"""Points below which a chart says nothing a tile does not say."""
TICKS = 4
LABELS = 12
"""Labels that fit under a line chart."""

type Point = tuple[str, float]
"""A label and a value."""


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


def drawn(chart: Chart, points: Sequence[Point]) -> dict[str, Any] | None:
    """What the template draws, None when there are too few points to compare."""
    known = [(label, value) for label, value in points if math.isfinite(value)]
    if len(known) < FEWEST:
        return None
    kept = known[: chart.most] if chart.kind == "bar" else known
    shape = _bars(chart, kept) if chart.kind == "bar" else _line(chart, kept)
    note = f"The {len(kept)} largest of {len(known)}" if len(kept) < len(known) else ""
    return {"kind": chart.kind, "title": chart.title, "note": note, **shape}


def _bars(chart: Chart, points: Sequence[Point]) -> dict[str, Any]:
    scale = Scale.over([value for _, value in points])
    zero = scale.place(0)
    bars = [
        {
            "label": shortened(label),
            "text": written(value, chart.format),
            "start": min(zero, scale.place(value)),
            "length": round(abs(scale.place(value) - zero), 6),
        }
        for label, value in points
    ]
    told = "; ".join(f"{bar['label']} {bar['text']}" for bar in bars)
    return {"bars": bars, "alt": f"Bar chart, {chart.title}: {told}"}


def _line(chart: Chart, points: Sequence[Point]) -> dict[str, Any]:
    scale = Scale.over([value for _, value in points])
    last = len(points) - 1
    every = math.ceil(len(points) / LABELS)
    spots = [[round(at / last, 6), scale.place(value)] for at, (_, value) in enumerate(points)]
    return {
        "points": spots,
        "zero": scale.place(0),
        "ticks": [{"at": scale.place(t), "label": rough(t, chart.format)} for t in scale.ticks],
        "labels": [
            {"at": spots[at][0], "label": shortened(points[at][0])}
            for at in range(0, len(points), every)
        ],
        "alt": _line_alt(chart, points),
    }


def _line_alt(chart: Chart, points: Sequence[Point]) -> str:
    def told(point: Point) -> str:
        return f"{written(point[1], chart.format)} at {point[0]}"

    lowest, highest = (pick(points, key=lambda point: point[1]) for pick in (min, max))
    return (
        f"Line chart, {chart.title}: from {told(points[0])} to {told(points[-1])}; "
        f"lowest {told(lowest)}, highest {told(highest)}"
    )


def _round_step(step: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if step <= power * nice * (1 + 1e-9))
