"""Measure lanes and limits beside their targets: ``python -m benchmarks.limits [--quick]``.

The full run takes about half an hour; a quick one two minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.limits import loads, turns
from benchmarks.limits.scale import FULL, QUICK, LimitScale
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.store.client import Store


class Row(NamedTuple):
    """A figure, and what it is to be: at most ``target``, or at least if it is a floor."""

    name: str
    figure: float
    target: float
    is_floor: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is as it is to be."""
        return self.figure >= self.target if self.is_floor else self.figure <= self.target

    def format(self) -> str:
        """The line of a table."""
        sign = ">=" if self.is_floor else "<="
        mark = "" if self.is_met else "  MISSED"
        return f"{self.name:<66} {self.figure:>9.4g}  {sign} {self.target:g}{mark}"


def measure_turns(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """What needs no worker."""
    (port,) = find_free_ports(1)
    with EmbeddedValkey(folder / "turns", port) as valkey:
        store = Store(valkey.url)
        yield Row("weights 1:2:4, furthest from them", turns.measure_weights(store, scale), 0.05)
        name = f"{scale.lanes} lanes : 10 lanes, cost of a take"
        yield Row(name, turns.compare_lanes(store, scale), 1.2)
        store.client.close()


def measure_loads(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """What workers do."""
    name = f"A has {scale.flood} queued: B's pickup p95 : alone"
    yield Row(name, loads.compare_pickup(folder, scale), 2)
    name = f"{scale.tenants} tenants, one floods: p99 of the others, ms"
    yield Row(name, loads.measure_others(folder, scale), 50)
    name = "drain with a lane and a limit : without"
    yield Row(name, loads.compare_drains(folder, scale), 0.9, is_floor=True)
    excess, shortfall = loads.measure_rate(folder, scale)
    yield Row("rate: starts of any window above rate and burst", excess, 0)
    yield Row("rate: below the rate", shortfall, 0.01)
    kills = loads.Kills(folder, scale.kills).measure()
    yield Row(f"{scale.kills} kills: jobs that ran above the limit", kills.excess, 0)
    yield Row(f"{scale.kills} kills: places that leaked", kills.leaked, 0)
    yield Row(f"{scale.kills} kills: seconds until work goes on", kills.pause_seconds, 15)


def main(arguments: list[str]) -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    scale = QUICK if parser.parse_args(arguments).quick else FULL
    is_met = True
    with tempfile.TemporaryDirectory(prefix="continuo-limits-") as name:
        for measure in (measure_turns, measure_loads):
            for row in measure(Path(name), scale):
                print(row.format(), flush=True)
                is_met &= row.is_met
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
