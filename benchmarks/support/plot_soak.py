"""Draw memory during a soak as SVG and PNG: ``python -m benchmarks.support.plot_soak FILE.json``.

Runs in the environment of the other stacks, which has matplotlib.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.support.plot import STYLE, TEXT_COLOUR

PROCESS_TITLES = {
    "worker": "worker, 2 pool processes",
    "web": "API",
    "flower": "Flower",
    "beat": "beat",
    "sink": "mail sink",
    "valkey": "Valkey (used)",
}
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8C6D31", "#999999", "#CC79A7")


def main(path: Path) -> None:
    """Draw one file."""
    found = json.loads(path.read_text())
    mpl.use("Agg")
    with mpl.rc_context(STYLE | {"axes.spines.bottom": True}):
        figure, (memory, jobs) = plt.subplots(
            2, 1, figsize=(9, 6.2), sharex=True, height_ratios=(2, 1), layout="constrained"
        )
        draw_memory(memory, found["samples"])
        draw_jobs(jobs, found["samples"])
        figure.supxlabel(format_caption(found), fontsize=8, color="#555555")
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(path.with_suffix(".png"), dpi=110)


def draw_memory(place: Any, samples: list[dict[str, Any]]) -> None:
    """A line for each process."""
    times = [sample["at"] / 60 for sample in samples]
    for (name, title), colour in zip(PROCESS_TITLES.items(), LINE_COLOURS, strict=True):
        values = [sample["mib"][name] for sample in samples]
        place.plot(times, values, color=colour, linewidth=1.6, label=title)
    place.set_title("Memory, MiB", loc="left", fontsize=9.5, fontweight="bold")
    place.set_ylim(0)
    place.legend(frameon=False, ncols=3, fontsize=8, loc="upper left")
    place.set_ylim(0, place.get_ylim()[1] * 1.25)


def draw_jobs(place: Any, samples: list[dict[str, Any]]) -> None:
    """The number of records, and of waiting or running jobs."""
    times = [sample["at"] / 60 for sample in samples]
    place.plot(times, [one["records"] for one in samples], color=TEXT_COLOUR, label="records kept")
    unfinished = [one["unfinished"] for one in samples]
    place.plot(times, unfinished, color=LINE_COLOURS[1], label="jobs not final")
    place.set_title("In Valkey", loc="left", fontsize=9.5, fontweight="bold")
    place.set_xlabel("minutes", fontsize=8.5)
    place.set_ylim(0)
    place.legend(frameon=False, ncols=2, fontsize=8, loc="upper left")
    place.set_ylim(0, place.get_ylim()[1] * 1.25)


def format_caption(found: dict[str, Any]) -> str:
    """The load, the machine and the date."""
    about = found["machine"]
    return (
        f"{found['jobs']:,} jobs, {found['attempts_repeated']:,} attempts made again, "
        f"{found['killed']} pool processes killed; {about['cpu']}, {about['cores']} cores, "
        f"{about['date'][:10]}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
