"""The simulation behind docs/scaling.md agrees with queueing theory, and the page with it."""

from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from benchmarks.scaling.__main__ import COMMAND, PAGE_FILE
from benchmarks.scaling.cell import (
    Simulation,
    find_hottest_share,
    find_random_hottest_share,
    size_cell,
)
from benchmarks.scaling.costs import read_costs
from benchmarks.scaling.engine import SimulatedProcess, Station, World
from benchmarks.scaling.growing import KINDS, ScalingSimulation, measure_age, measure_length
from benchmarks.scaling.plan import has_capacity
from benchmarks.scaling.tables import PARTS
from benchmarks.scaling.theory import (
    compute_constant_wait,
    compute_mean_wait,
    compute_wait_quantile,
    compute_wait_share,
)
from benchmarks.support.page_parts import part_names_of, renew_parts

JOBS = 60_000


class Line:
    """Customers that arrive at one station at random."""

    def __init__(
        self, servers: int, rate: float, service: float, *, constant: bool = False
    ) -> None:
        self.rate = rate
        self.service = service
        self.constant = constant
        self.random = Random(7)  # noqa: S311 - a fixed seed
        self.world = World()
        self.station = Station(servers)
        self.waits: list[float] = []
        self.world.after(0.0, self.arrivals())
        self.world.run(JOBS / rate)

    def arrivals(self) -> SimulatedProcess:
        while True:
            self.world.after(0.0, self.customer())
            yield self.random.expovariate(self.rate)

    def customer(self) -> SimulatedProcess:
        came = self.world.now
        yield self.station
        self.waits.append(self.world.now - came)
        yield self.service if self.constant else self.random.expovariate(1 / self.service)
        self.station.give(self.world)


def test_erlangs_formula_gives_the_published_values() -> None:
    assert compute_wait_share(1, 0.7) == pytest.approx(0.7)
    assert compute_wait_share(2, 1.0) == pytest.approx(1 / 3)
    assert compute_mean_wait(1, 0.5, 1.0) == pytest.approx(1.0)
    assert compute_mean_wait(10, 9.0, 1.0) == pytest.approx(0.6687, rel=1e-3)


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (1, 0.8), (4, 0.7), (20, 0.8)])
def test_waits_match_the_m_m_c_queue(servers: int, busy: float) -> None:
    rate = servers * busy
    line = Line(servers, rate, 1.0)

    assert mean(line.waits) == pytest.approx(compute_mean_wait(servers, rate, 1.0), rel=0.12)

    waited = sum(wait > 0 for wait in line.waits) / len(line.waits)
    assert waited == pytest.approx(compute_wait_share(servers, rate), rel=0.05)

    p99 = sorted(line.waits)[len(line.waits) * 99 // 100]
    assert p99 == pytest.approx(compute_wait_quantile(0.01, servers, rate, 1.0), rel=0.15)


def test_waits_for_a_constant_service_time_match_the_m_d_1_queue() -> None:
    line = Line(1, 0.8, 1.0, constant=True)

    assert mean(line.waits) == pytest.approx(compute_constant_wait(0.8, 1.0), rel=0.1)


def test_the_utilisation_of_a_station_matches_its_load() -> None:
    line = Line(4, 2.8, 1.0)

    assert line.station.busy_seconds / line.world.now / 4 == pytest.approx(0.7, rel=0.02)


def test_jobs_wait_longer_in_a_busier_cell() -> None:
    costs = read_costs()
    waits = [
        Simulation(size_cell(busy / costs.store, costs), costs).run(2.0).p99 for busy in (0.6, 0.95)
    ]

    assert all(less < more for less, more in pairwise(waits))


def test_the_same_seed_gives_the_same_waits() -> None:
    costs = read_costs()
    cell = size_cell(200.0, costs)

    assert Simulation(cell, costs).run(2.0) == Simulation(cell, costs).run(2.0)
    assert Simulation(cell, costs).run(2.0) != Simulation(cell, costs, seed=2).run(2.0)


def test_a_cell_is_full_by_memory_or_by_time() -> None:
    costs = read_costs()

    assert has_capacity(100, costs)
    assert not has_capacity(100, costs._replace(record_bytes=costs.record_bytes * 100))
    assert not has_capacity(100, costs._replace(turn=1.0))


def test_placing_the_largest_first_is_even_and_random_placing_is_not() -> None:
    assert find_hottest_share(1000, 4) == pytest.approx(0.25, abs=0.001)
    assert find_random_hottest_share(1000, 4) > 0.3
    assert find_hottest_share(1000, 50) > 0.13  # the largest tenant alone


def test_ordering_by_age_delays_slow_jobs_no_more_than_quick_ones() -> None:
    quick, slow = (ScalingSimulation(kind, measure_age).run().worst for kind in KINDS)
    slow_by_length = ScalingSimulation(KINDS[1], measure_length).run().worst

    assert slow == pytest.approx(quick, rel=0.3)
    assert slow_by_length > 2 * slow


def test_the_page_has_the_figures_of_the_simulation() -> None:
    page = PAGE_FILE.read_text()

    assert part_names_of(page, COMMAND) == list(PARTS)
    assert page == renew_parts(page, COMMAND, PARTS), "run python -m benchmarks.scaling"
