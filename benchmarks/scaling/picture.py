"""Draw line charts as SVG text."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from typing import NamedTuple

WIDTH, HEIGHT = 470, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 46, 50
TEXT_COLOUR, LABEL_COLOUR, RULE_COLOUR = "#222222", "#666666", "#E3E6E8"

type ChartPoints = Sequence[tuple[float, float]]


class ChartLine(NamedTuple):
    """One line; its name is at the point ``named_at``, moved by ``shift`` pixels."""

    name: str
    colour: str
    points: ChartPoints
    named_at: int = -1
    shift: tuple[int, int] = (0, -8)


class Axis(NamedTuple):
    """The range of an axis, its title, and its marked numbers."""

    name: str
    first: float
    last: float
    marks: Sequence[tuple[float, str]]
    is_log: bool = False

    def place(self, value: float) -> float:
        """The position of a value on the axis, from 0 to 1."""
        if self.is_log:
            return log10(value / self.first) / log10(self.last / self.first)
        return (value - self.first) / (self.last - self.first)


class Panel(NamedTuple):
    """One chart."""

    title: str
    across: Axis
    up: Axis
    lines: Sequence[ChartLine]

    def draw(self, left: int) -> Iterator[str]:
        """The SVG elements of the chart; ``left`` is its left edge."""
        yield f'<g transform="translate({left} 0)">'
        yield draw_text(LEFT, 22, self.title, size=13, weight="bold")
        yield from self._rules()
        yield draw_text(LEFT, HEIGHT - 12, self.across.name, colour=LABEL_COLOUR)
        yield draw_text(LEFT, TOP - 10, self.up.name, colour=LABEL_COLOUR)
        for line in self.lines:
            yield from self._line(line)
        yield "</g>"

    def _rules(self) -> Iterator[str]:
        for value, name in self.up.marks:
            y = self._y(value)
            yield draw_rule(LEFT, y, WIDTH - RIGHT, y)
            yield draw_text(LEFT - 8, y + 4, name, anchor="end", colour=LABEL_COLOUR)
        for value, name in self.across.marks:
            x = self._x(value)
            yield draw_rule(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5)
            yield draw_text(x, HEIGHT - BOTTOM + 18, name, anchor="middle", colour=LABEL_COLOUR)

    def _line(self, line: ChartLine) -> Iterator[str]:
        places = [(self._x(across), self._y(up)) for across, up in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
        x, y = places[line.named_at]
        yield draw_text(
            x + line.shift[0], y + line.shift[1], line.name, colour=line.colour, anchor="middle"
        )

    def _x(self, value: float) -> float:
        return LEFT + self.across.place(value) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.up.place(value) * (HEIGHT - TOP - BOTTOM)


def draw_panels(panels: Sequence[Panel], said: str) -> str:
    """A picture of several charts side by side; ``said`` is its text alternative."""
    width = WIDTH * len(panels)
    size = f'viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" role="img">',
            f"<title>{escape(said)}</title>",
            '<rect width="100%" height="100%" fill="#FFFFFF"/>',
            *(part for place, panel in enumerate(panels) for part in panel.draw(place * WIDTH)),
            "</svg>\n",
        ]
    )


def draw_rule(x: float, y: float, to_x: float, to_y: float) -> str:
    """A thin line."""
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{RULE_COLOUR}"/>'


def draw_text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 11,
    colour: str = TEXT_COLOUR,
    anchor: str = "start",
    weight: str = "normal",
) -> str:
    """A text at a position."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
        f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )
