"""Rows in which the broker is gone, cannot be reached, or is full."""

import time
from collections.abc import Callable
from itertools import count

from tests.chaos.faults import Mode
from tests.chaos.figures import Figures
from tests.chaos.load import Order
from tests.chaos.scale import Scale
from tests.chaos.scene import Scene, Stage

BEFORE = 4.0
"""Seconds of undisturbed work."""

ENDLESS = 1_000_000


def kill_valkey(stage: Stage, scale: Scale) -> Figures:
    """Kill -9 of the server every few seconds under load."""
    with stage("kill-valkey", scale) as scene:
        load = scene.keep_sending(ENDLESS, scale.rate)
        while len(load.accepted) < scale.jobs:
            scene.cluster.rest(scale.valkey_every)
            scene.cluster.kill_valkey()
            scene.cluster.killed += 1
            scene.cluster.rest(scale.valkey_down)
            scene.note_return(scene.cluster.revive_valkey())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def restarts(stage: Stage, scale: Scale) -> Figures:
    """Many restarts of the server in a row, by force and in good order in turn."""
    with stage("restarts", scale) as scene:
        load = scene.keep_sending(ENDLESS, scale.rate / 2)
        for number in range(scale.restarts):
            scene.cluster.rest(0.5)
            if number % 2:
                scene.cluster.stop_valkey()
            else:
                scene.cluster.kill_valkey()
                scene.cluster.killed += 1
            scene.cluster.rest(0.2 + 0.2 * (number % 5))
            scene.note_return(scene.cluster.revive_valkey())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def cut(mode: Mode) -> Callable[[Stage, Scale], Figures]:
    """The row in which no worker can reach the server for a while."""

    def row(stage: Stage, scale: Scale) -> Figures:
        with stage(f"cut-{mode}", scale, proxied=scale.workers) as scene:
            load = scene.keep_sending(ENDLESS, scale.rate)
            scene.cluster.rest(BEFORE)
            scene.proxy.set(mode)
            scene.cluster.rest(scale.outage)
            scene.proxy.set(Mode.PASS)
            scene.note_return(time.time())
            scene.cluster.rest(BEFORE)
            load.stop()
            scene.settle(scale.patience)
            return scene.figures()

    row.__doc__ = f"No worker reaches the server for a while: {mode}."
    return row


def cut_one(stage: Stage, scale: Scale) -> Figures:
    """One worker cannot reach the server; the others do its jobs, and never beside it."""
    with stage("cut-one", scale, proxied=1) as scene:
        first = scene.cluster.members[0]
        scene.keep_sending(round(scale.outage * 20), 20)
        long_jobs = job_on(scene, f"{first.name}@chaos")
        scene.proxy.set(Mode.SWALLOW)
        cut_at = time.time()
        scene.cluster.rest(scale.outage)
        scene.cluster.killed += len(first.children())  # by the worker itself, for being late
        scene.proxy.set(Mode.PASS)
        scene.settle(scale.patience)
        scene.recoveries += [
            run.began_at - cut_at for job in long_jobs for run in scene.account().by_job[job][1:2]
        ]
        return scene.figures()


def job_on(scene: Scene, worker: str) -> list[str]:
    """Send jobs of some length until this worker runs one; those that it runs."""
    for _ in count():
        scene.send("long", 8.0)
        scene.cluster.rest(0.3)
        runs = scene.account().runs
        mine = [run for run in runs if run.start.worker == worker and run.effect_at is None]
        if found := [run.job for run in mine if scene.accepted()[run.job] == "chaos.long"]:
            return found
    raise AssertionError("unreachable")


def full(stage: Stage, scale: Scale) -> Figures:
    """Redis has no room left: it takes no new jobs and the old ones end."""
    options = ("--maxmemory", scale.maxmemory)
    with stage("full", scale, valkey_options=options) as scene:
        orders = [
            Order(order.kind, [*order.args, "x" * 10_000])
            for order in map(scene.order, scene.kinds)
        ]
        load = scene.keep_sending(ENDLESS, 2_000, orders)
        scene.expect(lambda: load.refusals, 120, "the server was not full")
        scene.cluster.rest(10)
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()
