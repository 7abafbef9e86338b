"""``python -m benchmarks [--quick]``: this stack beside six others, on this machine, in one go.

Every stack is alone while it is measured; rounds go through all of them, each time in another
order. What came out is printed and kept in ``benchmarks/results``. See ``benchmarks/README.md``.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import environment, growth, machine, report
from benchmarks.measures import Figures, measure
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.scene import scene
from benchmarks.stacks import OURS, STACKS, Stack

RESULTS = Path(__file__).parent / "results"
PLOT_SECONDS = 120.0
STOPPED = 130
BUSY = 0.7
"""A load average above which others are at work on this machine."""


def main(arguments: list[str]) -> int:
    """Measure, print, keep; 0 whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, within 3 minutes")
    quick = parser.parse_args(arguments).quick
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        environment.prepare(environment.OTHERS)
        results = measured(QUICK if quick else FULL)
    except KeyboardInterrupt:
        print("benchmarks: stopped")
        return STOPPED
    print("\n".join(report.lines(results)))
    keep(results, "quick" if quick else "latest")
    return 0


def measured(scale: Scale) -> dict[str, Any]:
    """Everything."""
    start = time.monotonic()
    about = {"machine": machine.machine(), "versions": machine.versions(), "scale": asdict(scale)}
    introduce(about["machine"])
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        folder = Path(name)
        rounds = [one_round(number, scale, folder) for number in range(scale.rounds)]
        say("Continuo alone: real work, then growth")
        with scene(OURS, folder / "work") as place:
            work = growth.real_work(place, scale)
        with scene(OURS, folder / "growth") as place:
            place.start_api()
            grown = growth.growth(place, scale)
    seconds = round(time.monotonic() - start)
    say(f"done in {seconds} s")
    return about | {"seconds": seconds, "rounds": rounds, "growth": grown, "work": work}


def introduce(about: dict[str, Any]) -> None:
    """Name the machine."""
    say(f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, Python {about['python']}")
    if about["load_average_before"] > BUSY:
        load = about["load_average_before"]
        say(f"the load average is {load:.1f}: others are at work, and figures will be low")


def one_round(number: int, scale: Scale, folder: Path) -> dict[str, Figures]:
    """The figures of every stack, measured in an order that no other round has."""
    found = {}
    for stack in rotated(STACKS, number):
        say(f"round {number + 1} of {scale.rounds}: {stack.name}")
        with scene(stack, folder / f"{number}-{stack.name}") as place:
            found[stack.name] = {"load_average": os.getloadavg()[0]} | measure(place, scale)
    return {stack.name: found[stack.name] for stack in STACKS}


def rotated(stacks: Sequence[Stack], places: int) -> list[Stack]:
    """The same from another one on."""
    first = places % len(stacks)
    return [*stacks[first:], *stacks[:first]]


def keep(results: dict[str, Any], name: str) -> None:
    """Write the figures and draw them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(rounded(results), indent=1) + "\n")
    subprocess.run(
        [environment.PEERS / "bin" / "python", "-m", "benchmarks.plot", path],
        cwd=environment.ROOT,
        check=True,
        timeout=PLOT_SECONDS,
    )
    say(f"kept as {path.relative_to(environment.ROOT)}, drawn beside it as .svg and .png")


def rounded(value: Any) -> Any:
    """The same with four digits of each figure, which is more than a second run repeats."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"benchmarks: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
