"""Measure lanes and limits beside their targets: ``python -m benchmarks.limits [--quick]``.

The full run takes about half an hour; a quick one two minutes. ``--row NAME`` measures one of them.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def measure_weights(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """How far the lanes are from their weights."""
    with open_store(folder) as store:
        yield Row("weights 1:2:4, furthest from them", turns.measure_weights(store, scale), 0.05)


def measure_lanes(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """What a take costs with many lanes."""
    name = f"{scale.lanes} lanes : 10 lanes, cost of a take"
    with open_store(folder) as store:
        yield Row(name, turns.compare_lanes(store, scale), 1.2)


def measure_pickup(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """How long B waits beside the flood of A, beside processes that only compute, and alone."""
    found = loads.compare_pickup(folder, scale)
    name = f"A has {scale.flood} queued: B's pickup p95 : "
    yield Row(f"{name}alone", found.beside / found.alone, 2)
    yield Row(f"{name}with busy cores and no queue", found.beside / found.busy, 2)


def measure_tenants(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """How long the others wait when one tenant floods."""
    name = f"{scale.tenants} tenants, one floods: p99 of the others, ms"
    yield Row(name, loads.measure_others(folder, scale), 50)


def measure_drain(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """What a lane and a limit cost."""
    name = "drain with a lane and a limit : without"
    yield Row(name, loads.compare_drains(folder, scale), 0.9, is_floor=True)


def measure_rate(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """Whether a rate is kept and reached."""
    excess, shortfall = loads.measure_rate(folder, scale)
    yield Row("rate: starts of any window above rate and burst", excess, 0)
    yield Row("rate: below the rate", shortfall, 0.01)


def measure_kills(folder: Path, scale: LimitScale) -> Iterator[Row]:
    """Whether kills exceed a limit or leak its places."""
    kills = loads.Kills(folder, scale.kills).measure()
    yield Row(f"{scale.kills} kills: jobs that ran above the limit", kills.excess, 0)
    yield Row(f"{scale.kills} kills: places that leaked", kills.leaked, 0)
    yield Row(f"{scale.kills} kills: seconds until work goes on", kills.pause_seconds, 15)


MEASURES: dict[str, Callable[[Path, LimitScale], Iterator[Row]]] = {
    "weights": measure_weights,
    "lanes": measure_lanes,
    "pickup": measure_pickup,
    "tenants": measure_tenants,
    "drain": measure_drain,
    "rate": measure_rate,
    "kills": measure_kills,
}
"""What ``--row`` may name."""


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """A Valkey of its own."""
    (port,) = find_free_ports(1)
    with EmbeddedValkey(folder / "turns", port) as valkey:
        store = Store(valkey.url)
        yield store
        store.client.close()


def main(arguments: list[str]) -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    help_row = "measure only this; may be repeated"
    parser.add_argument("--row", action="append", choices=[*MEASURES], help=help_row)
    options = parser.parse_args(arguments)
    scale = QUICK if options.quick else FULL
    is_met = True
    for name in options.row or MEASURES:
        with tempfile.TemporaryDirectory(prefix="continuo-limits-") as folder:
            for row in MEASURES[name](Path(folder), scale):
                print(row.format(), flush=True)
                is_met &= row.is_met
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
