"""Measure orders of typed kinds beside reports: ``python -m benchmarks.typed_kinds``.

Prints the POSTs per second of one API to ``/reports`` and to two kinds of a user, and what one
costs in CPU time of the API, in rounds that alternate: medians, and the ratios of these to the
first line. ``--before`` names a checkout of an earlier version: its ``POST /reports`` is the first
line then. On a busy machine only the CPU times say something.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.comparison.client import build_post, run_closed_loop
from benchmarks.comparison.scene import START_TIMEOUT_SECONDS, StackScene, open_scene
from benchmarks.stacks.registry import OURS
from benchmarks.support.processes import MeasuredProgram
from benchmarks.support.waiting import wait_until
from project.local.demo import find_free_ports, send_request

CONNECTIONS = 64
REPORT = {"type": "summary", "filters": {}, "format": "pdf"}
INVOICE = {"customer": "ACME", "lines": [{"text": "work", "amount": 19.5}], "due": "2026-12-24"}


class Target(NamedTuple):
    """What is ordered, and from which API."""

    name: str
    api: MeasuredProgram
    port: int
    request: bytes


class Figures(NamedTuple):
    """POSTs per second, and microseconds of CPU time of the API for each."""

    rate: float
    cpu: float


def main() -> None:
    """Run all rounds and print the medians."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    asked.add_argument("--rounds", type=int, default=9)
    asked.add_argument("--seconds", type=float, default=2.0, help="of each run")
    asked.add_argument("--before", type=Path, help="the checkout of an earlier version")
    options = asked.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="continuo-bench-") as name,
        open_scene(OURS, Path(name) / "scene") as scene,
    ):
        targets = list_targets(scene, options.before)
        rounds = [
            measure_round(number, targets, options.seconds) for number in range(options.rounds)
        ]
    print(f"load average {os.getloadavg()[0]:.1f}")
    first, *_ = medians = [take_median(target, rounds) for target in targets]
    for target, found in zip(targets, medians, strict=True):
        print(
            f"{target.name:22} {found.rate:8,.0f} POST/s ({found.rate / first.rate:.3f})"
            f" {found.cpu:8,.0f} us of CPU ({found.cpu / first.cpu:.3f})"
        )


def take_median(target: Target, rounds: list[dict[str, Figures]]) -> Figures:
    """The medians of a target over all rounds."""
    found = [figures[target.name] for figures in rounds]
    return Figures(median(each.rate for each in found), median(each.cpu for each in found))


def list_targets(scene: StackScene, before: Path | None) -> list[Target]:
    """Start the APIs; the target that the others are compared with is the first."""
    api = start_api(scene, CONTINUO_TASKS="benchmarks.stacks.typed_kinds")
    targets = [
        Target("POST /reports", *api, build_request("/reports", REPORT)),
        Target("POST /bench/tables", *api, build_request("/bench/tables", REPORT)),
        Target("POST /bench/invoices", *api, build_request("/bench/invoices", INVOICE)),
    ]
    if before is None:
        return targets
    old = start_api(scene, PYTHONPATH=str(before.resolve()))
    return [Target("POST /reports before", *old, build_request("/reports", REPORT)), *targets]


def start_api(scene: StackScene, **variables: str) -> tuple[MeasuredProgram, int]:
    """Start an API; returns its port, too. ``-P``: it is imported from PYTHONPATH only."""
    (port,) = find_free_ports(1)
    program = scene.start(["python", "-P", "-m", "api"], pipes=False, PORT=str(port), **variables)

    def answers() -> bool:
        program.require_running()
        try:
            return bool(send_request(port, "GET", "/reports/none"))
        except OSError:
            return False

    wait_until(answers, START_TIMEOUT_SECONDS, "the API answers")
    return program, port


def build_request(path: str, body: Mapping[str, object]) -> bytes:
    """The order as bytes."""
    return build_post(path, json.dumps(body).encode())


def measure_round(number: int, targets: list[Target], seconds: float) -> dict[str, Figures]:
    """The figures of each target; each round begins with another."""
    first = number % len(targets)
    return {
        target.name: measure_target(target, seconds) for target in targets[first:] + targets[:first]
    }


def measure_target(target: Target, seconds: float) -> Figures:
    """Order as fast as answers arrive."""
    start = target.api.cpu_seconds()
    load = run_closed_loop(target.port, [target.request], connections=CONNECTIONS, seconds=seconds)
    cpu = target.api.cpu_seconds() - start
    return Figures(load.rate, cpu / len(load.latencies) * 1e6)


if __name__ == "__main__":
    main()
