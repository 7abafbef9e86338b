"""Draw the results of the simulation."""

from collections.abc import Iterator

from benchmarks.scaling.cell import Simulation, size_cell
from benchmarks.scaling.growing import END_SECONDS
from benchmarks.scaling.picture import Axis, ChartLine, Panel, draw_panels
from benchmarks.scaling.tables import load_costs, load_traces

COLOURS_BY_CELLS = {1: "#9BC4E2", 2: "#5FA3D0", 4: "#0072B2", 8: "#003E63"}
LABEL_SHIFTS = {"length > 100": (-56, 0), "age > 30 s": (44, 2)}
SIGNAL_COLOURS = {"length > 100": "#D55E00", "age > 30 s": "#0072B2"}


def draw_picture() -> str:
    """Draw both charts."""
    said = "Waiting time beside load for 1 to 8 cells; age of the first job while workers are added"
    return draw_panels([build_load_panel(), build_signal_panel()], said)


def build_load_panel() -> Panel:
    """The chart of waits by load."""
    curve = list(simulate_waits())
    lines = [
        ChartLine(
            f"{cells} cell{'s' if cells > 1 else ''}",
            colour,
            [(hourly * cells, wait * 1000) for hourly, wait in curve],
        )
        for cells, colour in COLOURS_BY_CELLS.items()
    ]
    across = [(1e6, "1 M"), (3e6, "3 M"), (10e6, "10 M"), (30e6, "30 M"), (100e6, "100 M")]
    return Panel(
        "Wait for a slot, p99",
        Axis("jobs an hour, in the busiest minute", 1e6, 200e6, across, is_log=True),
        Axis("ms", 0.5, 20, [(0.5, "0.5"), (1, "1"), (2, "2"), (5, "5"), (10, "10")], is_log=True),
        lines,
    )


def simulate_waits() -> Iterator[tuple[float, float]]:
    """Jobs per hour of one cell and their p99 wait in seconds, up to a nearly saturated Valkey."""
    for busy in (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96):
        cell = size_cell(busy / load_costs().store, load_costs())
        yield cell.rate * 3600, Simulation(cell, load_costs()).run().p99


def build_signal_panel() -> Panel:
    """The chart of how late jobs are while workers are added."""
    lines = [
        ChartLine(
            signal,
            SIGNAL_COLOURS[signal],
            list(zip((at / 60 for at in trace.times), trace.ages, strict=True)),
            named_at=max(range(len(trace.ages)), key=trace.ages.__getitem__),
            shift=LABEL_SHIFTS[signal],
        )
        for signal, kind, trace in load_traces()
        if kind.name == "slow"
    ]
    minutes = [(float(minute), f"{minute}") for minute in range(0, int(END_SECONDS / 60) + 1, 15)]
    ages = [(float(age), f"{age}") for age in range(0, 251, 50)]
    return Panel(
        "Age of the first job, when three times as many come",
        Axis(
            "minutes; jobs of 20 s, the rush is from minute 15 to 45", 0, END_SECONDS / 60, minutes
        ),
        Axis("seconds", 0, 250, ages),
        lines,
    )
