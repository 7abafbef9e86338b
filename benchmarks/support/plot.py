"""Draw results as SVG and PNG beside their file: ``python -m benchmarks.support.plot FILE.json``.

Runs in the environment of the other stacks, which has matplotlib.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

OUR_COLOUR, PEER_COLOUR, TEXT_COLOUR = "#0072B2", "#B8BEC4", "#222222"
MIN_WITHOUT_DECIMALS = 100
"""Figures from here on are printed without decimals."""

PANELS = (
    ("POST of a job, per second, 64 clients", "post_64_per_s"),
    ("GET of a status, per second, 64 clients", "get_64_per_s"),
    ("Empty jobs drained per second, 2 processes", "drain_per_s"),
    ("Pickup by an idle worker, median ms (less is better)", "pickup_idle_p50_ms"),
)
STYLE = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.bottom": False,
    "axes.edgecolor": "#999999",
    "text.color": TEXT_COLOUR,
    "svg.hashsalt": "continuo",
    "svg.fonttype": "none",
}


def main(path: Path) -> None:
    """Draw one file."""
    results = json.loads(path.read_text())
    mpl.use("Agg")
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
        for place, (title, name) in zip(axes.flat, PANELS, strict=True):
            draw_panel(place, results["rounds"], name)
            place.set_title(title, loc="left", fontsize=9.5, fontweight="bold")
        figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
        figure.supxlabel(format_caption(results), fontsize=8, color="#555555")
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(path.with_suffix(".png"), dpi=110)


def draw_panel(place: Any, rounds: list[dict[str, dict[str, float]]], name: str) -> None:
    """One bar per stack: the median of the rounds, with a line from lowest to highest."""
    stacks = list(rounds[0])
    values = [[each[stack][name] for each in rounds] for stack in stacks]
    middles = [median(each) for each in values]
    below = [middle - min(each) for middle, each in zip(middles, values, strict=True)]
    above = [max(each) - middle for middle, each in zip(middles, values, strict=True)]
    colours = [OUR_COLOUR if number == 0 else PEER_COLOUR for number in range(len(stacks))]
    place.barh(stacks, middles, color=colours, height=0.7)
    if len(rounds) > 1:
        place.errorbar(
            middles, stacks, xerr=[below, above], fmt="none", ecolor=TEXT_COLOUR, elinewidth=1
        )
    right = max(max(each) for each in values)
    for row, (middle, more) in enumerate(zip(middles, above, strict=True)):
        text = f"{middle:,.0f}" if right >= MIN_WITHOUT_DECIMALS else f"{middle:.1f}"
        place.text(middle + more + right * 0.015, row, text, va="center")
    place.invert_yaxis()
    place.set_xlim(0, right * 1.15)
    place.set_xticks([])
    place.tick_params(left=False)


def format_caption(results: dict[str, Any]) -> str:
    """The machine, the date and the number of rounds."""
    about, rounds = results["machine"], len(results["rounds"])
    times = f"median of {rounds} rounds, lowest to highest" if rounds > 1 else "one short round"
    return (
        f"{times}; {about['cpu']}, {about['cores']} cores, Python {about['python']}, "
        f"{results['versions']['valkey'].partition(' sha')[0]}, {about['date'][:10]}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
