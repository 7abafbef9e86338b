"""Measured with workers: pickup beside a flood, drains, rates, and kills."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.comparison.measures import find_percentile
from benchmarks.comparison.scene import StackScene, open_scene
from benchmarks.limits.judge import find_most_running
from benchmarks.limits.scale import LimitScale
from benchmarks.stacks.registry import Stack
from benchmarks.stacks.shared import PICKUPS_KEY
from benchmarks.support.processes import MeasuredProgram, list_tree
from benchmarks.support.waiting import wait_until
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey

STACK = Stack("Continuo", "benchmarks.limits.orders")
PICKUPS_PER_SECOND = 10.0
TIMEOUT_SECONDS = 600.0
WORKER_PROCESSES = 2
KILL_LIMIT = 3
KILL_WORKERS = 2
MAX_BETWEEN_KILLS_SECONDS = 0.5
WORK_SECONDS = 5.0
LEASE_SECONDS = "2"


def measure_pickups(folder: Path, scale: LimitScale, flood: int, lanes: list[str]) -> list[float]:
    """The waits of jobs in ``lanes``, in seconds, while another lane has ``flood`` jobs."""
    with open_scene(STACK, folder) as scene:
        scene.call("order", flood or 1, ["flood"])
        scene.start_worker(WORKER_PROCESSES)
        wait_until(lambda: count_done(scene) > 0, TIMEOUT_SECONDS, "the first job")
        sent = round(PICKUPS_PER_SECOND * scale.seconds)
        scene.call("order_stamps", PICKUPS_PER_SECOND, scale.seconds, lanes)
        wait_until(lambda: scene.redis.llen(PICKUPS_KEY) >= sent, TIMEOUT_SECONDS, "the pickups")
        return [float(wait) for wait in scene.redis.lrange(PICKUPS_KEY, 0, -1)]


class Pickups(NamedTuple):
    """The 95th percentile of B's pickup, in seconds.

    ``busy``: nobody else orders, and as many processes compute as a flood keeps busy.
    """

    alone: float
    busy: float
    beside: float


def compare_pickup(folder: Path, scale: LimitScale) -> Pickups:
    """B's pickup alone, beside processes that compute, and beside the flood of A."""
    alone = measure_pickups(folder / "alone", scale, 0, ["b"])
    with keep_busy(WORKER_PROCESSES):
        busy = measure_pickups(folder / "busy", scale, 0, ["b"])
    beside = measure_pickups(folder / "beside", scale, scale.flood, ["b"])
    return Pickups(*(find_percentile(waits, 95) for waits in (alone, busy, beside)))


@contextmanager
def keep_busy(processes: int) -> Iterator[None]:
    """Let processes compute as long as the block lasts."""
    command = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def measure_others(folder: Path, scale: LimitScale) -> float:
    """The 99th percentile of the pickup of the other tenants while one floods, milliseconds."""
    lanes = [f"tenant{number}" for number in range(scale.tenants - 1)]
    return (
        find_percentile(measure_pickups(folder / "others", scale, scale.flood, lanes), 99) * 1_000
    )


def compare_drains(folder: Path, scale: LimitScale) -> float:
    """The rate of a drain in a lane with a limit, divided by that of one without."""
    ratios = []
    for number in range(scale.rounds):
        plain = measure_drain(folder / f"plain{number}", scale.drain, [""], is_limited=False)
        limited = measure_drain(folder / f"limited{number}", scale.drain, ["a"], is_limited=True)
        ratios.append(limited / plain)
    return median(ratios)


def measure_drain(folder: Path, jobs: int, lanes: list[str], *, is_limited: bool) -> float:
    """Jobs per second from the first that has ended to the last."""
    with open_scene(STACK, folder) as scene:
        if is_limited:
            scene.call("put_limit", "all", 100, None, None)
        scene.call("order", jobs, lanes)
        scene.start_worker(2)
        first = wait_until(lambda: count_done(scene), TIMEOUT_SECONDS, "the first job")
        start = time.perf_counter()
        wait_until(lambda: count_done(scene) >= jobs, TIMEOUT_SECONDS, "the drain")
        return (jobs - first) / (time.perf_counter() - start)


def count_done(scene: StackScene) -> int:
    """How many jobs have succeeded."""
    done: int = scene.call("count_finished", 0)[0]
    return done


def measure_rate(folder: Path, scale: LimitScale) -> tuple[int, float]:
    """How many starts any window had above rate and burst; how far they were below the rate."""
    burst = max(scale.rate // 10, 1)
    with open_scene(STACK, folder / "rate") as scene:
        scene.call("put_limit", "all", None, f"{scale.rate}/s", burst)
        jobs = round(scale.rate * scale.seconds)
        scene.call("order", jobs, ["a"])
        scene.start_worker(2)
        wait_until(lambda: count_done(scene) >= jobs, TIMEOUT_SECONDS, "the jobs")
        keys = list(scene.redis.scan_iter("continuo:job:*", 1_000))
        starts = sorted(float(scene.redis.hget(key, "started_at") or 0) for key in keys)
    return count_excess(starts, scale.rate, burst), find_shortfall(starts, scale.rate, burst)


def count_excess(starts: Sequence[float], rate: float, burst: int) -> int:
    """The most starts that a window, from one start to another, had more than it may have."""
    worst = 0
    for step in range(1, len(starts)):
        windows = zip(starts, starts[step:], strict=False)
        shortest = min(end - begin for begin, end in windows)
        worst = max(worst, step + 1 - burst - int(shortest * rate + 1e-3))
    return worst


def find_shortfall(starts: Sequence[float], rate: float, burst: int) -> float:
    """How far the starts were below the rate, as a part of it."""
    return max(1 - (len(starts) - burst) / ((starts[-1] - starts[0]) * rate), 0.0)


class Kills:
    """What happened while workers and Valkey were killed."""

    def __init__(self, folder: Path, kills: int) -> None:
        self.folder = folder / "kills"
        self.kills = kills
        self.excess = self.leaked = 0
        self.pause_seconds = 0.0

    def measure(self) -> "Kills":
        """Kill, and look at the append-only file afterwards."""
        self.folder.mkdir()
        (port,) = find_free_ports(1)
        options = ("--auto-aof-rewrite-percentage", "0")
        with (
            EmbeddedValkey(self.folder / "valkey", port, *options) as valkey,
            ExitStack() as ends,
        ):
            self.run(StackScene(STACK, self.folder, valkey, ends))
        self.excess = max(find_most_running(self.folder / "valkey") - KILL_LIMIT, 0)
        return self

    def run(self, scene: StackScene) -> None:
        """Order jobs, kill, and let the rest be done."""
        scene.call("put_limit", "all", KILL_LIMIT, None, None)
        jobs = max(round(self.kills * 10), 100)
        scene.call("order_pauses", jobs, ["a", "b", ""])
        scene.driver.kill()
        workers = [self.start_worker(scene) for _ in range(KILL_WORKERS)]
        rng = random.Random(1)  # noqa: S311 - the same kills each time
        for _ in range(self.kills):
            time.sleep(rng.uniform(0.1, MAX_BETWEEN_KILLS_SECONDS))
            self.kill_one(scene, workers, rng)
        killed_at = time.monotonic()
        before = self.count_ended(scene)
        wait_until(lambda: self.count_ended(scene) > before, TIMEOUT_SECONDS, "work goes on")
        self.pause_seconds = time.monotonic() - killed_at
        wait_until(lambda: self.count_ended(scene) >= jobs, TIMEOUT_SECONDS, "the jobs")
        self.leaked = sum(1 for _ in scene.redis.scan_iter("continuo:passed:*", 1_000))

    def start_worker(self, scene: StackScene) -> MeasuredProgram:
        """Start a worker with a short lease."""
        options = ["--concurrency=4", "--include=benchmarks.stacks.kinds", "--loglevel=WARNING"]
        command = ["celery", "-A", "project", "worker", *options, f"-n=w{time.time_ns()}"]
        return scene.start(command, LEASE_SECONDS=LEASE_SECONDS)

    def kill_one(
        self, scene: StackScene, workers: list[MeasuredProgram], rng: random.Random
    ) -> None:
        """Kill Valkey, a worker, or one of its processes."""
        place, what = rng.randrange(len(workers)), rng.random()
        if what < 0.2 and scene.valkey.process:  # noqa: PLR2004 - one of five
            scene.valkey.process.kill()
            scene.valkey.process.wait()
            scene.valkey.supervise()
        elif what < 0.5:  # noqa: PLR2004 - three of ten
            workers[place].kill()
            workers[place] = self.start_worker(scene)
        elif children := list_tree(workers[place].process.pid)[1:]:
            os.kill(rng.choice(children), signal.SIGKILL)

    @staticmethod
    def count_ended(scene: StackScene) -> int:
        """How many jobs have ended."""
        marks = [f"continuo:index:bench.pause@celery:{end}" for end in ("success", "failed")]
        return sum(int(scene.redis.zcard(key)) for key in marks)
