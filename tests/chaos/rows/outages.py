"""Rows in which the broker is down, unreachable or full."""

import time
from collections.abc import Callable
from itertools import count

from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.load import LoadJob
from tests.chaos.stage.proxy import Mode
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

UNDISTURBED_SECONDS = 4.0
"""Time before and after the fault."""

ROLLBACK_BYTES = 2_000
"""Some commands, among them starts and ends of jobs."""

LATE_SECONDS = 3.7
"""Longer than a worker waits for an answer, shorter than a lease."""

UNLIMITED_JOBS = 1_000_000


def kill_valkey(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill the server every few seconds under load."""
    with stage("kill-valkey", scale) as scene:
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        while len(load.accepted) < scale.jobs:
            scene.cluster.run_for(scale.valkey_every)
            scene.cluster.kill_valkey()
            scene.cluster.killed += 1
            scene.cluster.run_for(scale.valkey_down)
            scene.measure_resume(scene.cluster.restart_valkey())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def restart_valkey_often(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Restart the server many times in a row; kill it and stop it in turn."""
    with stage("restarts", scale) as scene:
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate / 2)
        for number in range(scale.restarts):
            scene.cluster.run_for(0.5)
            if number % 2:
                scene.cluster.stop_valkey()
            else:
                scene.cluster.kill_valkey()
                scene.cluster.killed += 1
            scene.cluster.run_for(0.2 + 0.2 * (number % 5))
            scene.measure_resume(scene.cluster.restart_valkey())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def roll_valkey_back(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill the server and cut the last bytes off its file: it forgets what it had confirmed."""
    with stage("rollback", scale) as scene:
        scene.rolls_back = True
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        for _ in range(scale.rollbacks):
            scene.cluster.run_for(scale.valkey_every)
            scene.cluster.kill_valkey()
            scene.cluster.cut_valkey(ROLLBACK_BYTES)
            scene.measure_resume(scene.cluster.restart_valkey())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def build_cut_row(mode: Mode) -> Callable[[ChaosStage, ChaosScale], RowResult]:
    """The row in which no worker reaches the server for ``scale.outage`` seconds."""

    def row(stage: ChaosStage, scale: ChaosScale) -> RowResult:
        with stage(f"cut-{mode}", scale, proxied=scale.workers) as scene:
            load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
            scene.cluster.run_for(UNDISTURBED_SECONDS)
            scene.proxy.set(mode)
            scene.cluster.run_for(scale.outage)
            scene.proxy.set(Mode.PASS)
            scene.measure_resume(time.time())
            scene.cluster.run_for(UNDISTURBED_SECONDS)
            load.stop()
            scene.settle(scale.patience)
            return scene.figures()

    row.__doc__ = f"No worker reaches the server for a while: {mode}."
    return row


def deliver_late(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Requests of all workers are delivered after their senders have sent them again."""
    with stage("late-bytes", scale, proxied=scale.workers) as scene:
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        for _ in range(scale.late_bytes):
            scene.cluster.run_for(UNDISTURBED_SECONDS)
            scene.proxy.set(Mode.LATE)
            scene.cluster.run_for(LATE_SECONDS)
            scene.proxy.set(Mode.PASS)
        scene.cluster.run_for(UNDISTURBED_SECONDS)
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def cut_one(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """One worker cannot reach the server: others run its jobs, and never at the same time."""
    with stage("cut-one", scale, proxied=1) as scene:
        first = scene.cluster.members[0]
        scene.keep_sending(round(scale.outage * 20), 20)
        long_jobs = occupy_worker(scene, f"{first.name}@chaos")
        scene.proxy.set(Mode.SWALLOW)
        cut_at = time.time()
        scene.cluster.run_for(scale.outage)
        scene.cluster.killed += len(first.children())  # the worker kills them: its lease ended
        scene.proxy.set(Mode.PASS)
        scene.settle(scale.patience)
        scene.recoveries += [
            run.began_at - cut_at for job in long_jobs for run in scene.account().by_job[job][1:2]
        ]
        return scene.figures()


def occupy_worker(scene: ChaosScene, worker: str) -> list[str]:
    """Send jobs of eight seconds until this worker runs at least one; the ids of its jobs."""
    for _ in count():
        scene.send("long", 8.0)
        scene.cluster.run_for(0.3)
        runs = scene.account().runs
        mine = [run for run in runs if run.start.worker == worker and run.effect_at is None]
        if found := [run.job for run in mine if scene.accepted()[run.job] == "chaos.long"]:
            return found
    raise AssertionError("unreachable")


def fill_valkey(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Fill Redis: it refuses new jobs, and the accepted jobs still end."""
    options = ("--maxmemory", scale.maxmemory)
    with stage("full", scale, valkey_options=options) as scene:
        orders = [
            LoadJob(order.kind, [*order.args, "x" * 10_000])
            for order in map(scene.order, scene.kinds)
        ]
        load = scene.keep_sending(UNLIMITED_JOBS, 2_000, orders)
        scene.expect(lambda: load.refusals, 120, "the server was not full")
        scene.cluster.run_for(10)
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()
