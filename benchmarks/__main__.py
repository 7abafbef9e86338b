"""Compare Continuo with six other stacks on this machine: ``python -m benchmarks [--quick]``.

Only one stack runs at a time. Each round measures all stacks in a different order. The results
are printed and written to ``benchmarks/results``. See ``benchmarks/README.md``.
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

from benchmarks.comparison import growth, report
from benchmarks.comparison.measures import Figures, measure_stack
from benchmarks.comparison.naps import measure_naps
from benchmarks.comparison.scale import FULL, QUICK, BenchmarkScale
from benchmarks.comparison.scene import open_scene
from benchmarks.stacks.registry import ASYNC_STACKS, OURS, STACKS, Stack
from benchmarks.support import environment, machine

RESULTS = Path(__file__).parent / "results"
PLOT_TIMEOUT_SECONDS = 120.0
STOPPED_EXIT_CODE = 130
BUSY_LOAD_AVERAGE = 0.7
"""A load average above which other programs disturb the measurement."""


def main(arguments: list[str]) -> int:
    """Measure, print and save; returns 0 even when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, within 3 minutes")
    quick = parser.parse_args(arguments).quick
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        environment.install_environment(environment.PEERS_FOLDER)
        results = measure_all(QUICK if quick else FULL)
    except KeyboardInterrupt:
        print("benchmarks: stopped")
        return STOPPED_EXIT_CODE
    print("\n".join(report.format_report(results)))
    save_results(results, "quick" if quick else "latest")
    return 0


def measure_all(scale: BenchmarkScale) -> dict[str, Any]:
    """Measure all rounds, then what only Continuo is measured for."""
    start = time.monotonic()
    about = {
        "machine": machine.describe_machine(),
        "versions": machine.list_versions(),
        "scale": asdict(scale),
    }
    print_machine(about["machine"])
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        folder = Path(name)
        rounds = [measure_round(number, scale, folder) for number in range(scale.rounds)]
        naps = [measure_nap_round(number, scale, folder) for number in range(scale.rounds)]
        print_progress("Continuo alone: real work, then growth")
        with open_scene(OURS, folder / "work") as place:
            work = growth.measure_real_work(place, scale)
        with open_scene(OURS, folder / "growth") as place:
            place.start_api()
            grown = growth.measure_growth(place, scale)
    seconds = round(time.monotonic() - start)
    print_progress(f"done in {seconds} s")
    found = {"rounds": rounds, "naps": naps, "growth": grown, "work": work}
    return about | {"seconds": seconds} | found


def print_machine(about: dict[str, Any]) -> None:
    """Print the machine, with a warning when it is busy."""
    print_progress(
        f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, Python {about['python']}"
    )
    if about["load_average_before"] > BUSY_LOAD_AVERAGE:
        load = about["load_average_before"]
        print_progress(
            f"the load average is {load:.1f}: other programs are running, figures will be too low"
        )


def measure_round(number: int, scale: BenchmarkScale, folder: Path) -> dict[str, Figures]:
    """The figures of every stack; each round has a different order."""
    found = {}
    for stack in rotate_stacks(STACKS, number):
        print_progress(f"round {number + 1} of {scale.rounds}: {stack.name}")
        with open_scene(stack, folder / f"{number}-{stack.name}") as place:
            found[stack.name] = {"load_average": os.getloadavg()[0]} | measure_stack(place, scale)
    return {stack.name: found[stack.name] for stack in STACKS}


def measure_nap_round(number: int, scale: BenchmarkScale, folder: Path) -> dict[str, Figures]:
    """The figures of asynchronous jobs; each round has a different order."""
    print_progress(f"round {number + 1} of {scale.rounds}: asynchronous jobs")
    found = {}
    for stack in rotate_stacks(ASYNC_STACKS, number):
        with open_scene(stack, folder / f"naps-{number}-{stack.name}") as place:
            found[stack.name] = measure_naps(place)
    return {stack.name: found[stack.name] for stack in ASYNC_STACKS}


def rotate_stacks(stacks: Sequence[Stack], places: int) -> list[Stack]:
    """The stacks in the same cyclic order, started ``places`` further."""
    first = places % len(stacks)
    return [*stacks[first:], *stacks[:first]]


def save_results(results: dict[str, Any], name: str) -> None:
    """Write the figures as JSON and draw them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(round_figures(results), indent=1) + "\n")
    subprocess.run(
        [environment.PEERS_ENVIRONMENT / "bin" / "python", "-m", "benchmarks.support.plot", path],
        cwd=environment.ROOT,
        check=True,
        timeout=PLOT_TIMEOUT_SECONDS,
    )
    print_progress(
        f"wrote {path.relative_to(environment.ROOT)}, and the pictures .svg and .png beside it"
    )


def round_figures(value: Any) -> Any:
    """Round every figure to four digits; further digits do not repeat."""
    if isinstance(value, dict):
        return {name: round_figures(each) for name, each in value.items()}
    if isinstance(value, list):
        return [round_figures(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def print_progress(line: str) -> None:
    """Print a line of progress."""
    print(f"benchmarks: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
