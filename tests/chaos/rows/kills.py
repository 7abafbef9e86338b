"""Rows that kill worker processes."""

import math
from collections import Counter
from dataclasses import replace
from itertools import count

from project.records.record import TaskStatus
from tests.chaos.judge import aof
from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

ASYNC_JOBS = "150"
"""Jobs that one process runs at once."""

MAIN_IN_FOUR = 3
"""Which one of four kills is that of a main process."""

JOBS_BESIDE_KILLERS = 8
"""Jobs of two seconds each that run beside the killers."""


def kill_mains(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill a worker's main process every few seconds."""
    with stage("kill-mains", scale) as scene:
        load = scene.keep_sending(scale.jobs, scale.rate)
        for number in count():
            scene.cluster.run_for(scale.kill_every)
            if not load.is_alive():
                break
            scene.cluster.kill_main(scene.cluster.members[number % scale.workers])
        scene.settle(scale.patience)
        return scene.figures()


def kill_children(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill a pool process every second."""
    with stage("kill-children", scale) as scene:
        load = scene.keep_sending(scale.jobs, scale.rate)
        for number in count():
            scene.cluster.run_for(scale.kill_child_every)
            if not load.is_alive():
                break
            scene.cluster.kill_child(scene.cluster.members[number % scale.workers], number)
        scene.settle(scale.patience)
        return scene.figures()


def kill_async_processes(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill pool processes, and each fourth time a main one, while 500 ``async def`` jobs run."""
    with stage("kill-async", replace(scale, async_jobs=ASYNC_JOBS)) as scene:
        load = scene.keep_sending(scale.jobs, scale.rate, [scene.order("aside")])
        for number in count():
            scene.cluster.run_for(scale.kill_every)
            if not load.is_alive():
                break
            member = scene.cluster.members[number % scale.workers]
            if number % 4 == MAIN_IN_FOUR:
                scene.cluster.kill_main(member)
            else:
                scene.cluster.kill_child(member, number)
        scene.settle(scale.patience)
        return scene.figures()


def kill_all(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill all worker processes at once, and every second time the server too."""
    with stage("kill-all", scale) as scene:
        load = scene.keep_sending(scale.jobs, scale.kill_all_rate)
        for number in count():
            scene.cluster.run_for(scale.kill_all_every)
            if not load.is_alive():
                break
            scene.cluster.kill_everything()
            if number % 2:
                scene.cluster.kill_valkey()
                scene.cluster.restart_valkey()
        scene.settle(scale.patience)
        return scene.figures()


def run_long_job(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Run a job ten times as long as a lease while other workers are killed: it runs once."""
    with stage("long-job", scale) as scene:
        job = scene.send("long", scale.long_job)
        runner = scene.runner_of(job)
        others = [member for member in scene.cluster.members if member is not runner]
        scene.keep_sending(round(scale.long_job * 20), 20)
        for number in count():
            scene.cluster.run_for(scale.kill_every)
            if scene.is_over(job) or number * scale.kill_every > 2 * scale.long_job:
                break
            scene.cluster.kill_main(others[number % len(others)])
        scene.settle(scale.patience)
        starts = len(scene.account().by_job[job])
        scene.notes["starts of the long job"] = starts
        if starts != 1:
            scene.faults.append(f"the long job started {starts} times")
        return scene.figures()


def enqueue_killers(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Enqueue jobs that always kill their worker, together with jobs that do not."""
    with stage("poison", scale) as scene:
        victims = ["child"] * scale.child_killers + ["main"] * scale.main_killers
        load = scene.keep_sending(scale.good_jobs, 200)
        long_jobs = [scene.send("long", 2.0) for _ in range(JOBS_BESIDE_KILLERS)]
        for victim in victims:
            scene.expected_failures.add(scene.send("killer", victim))
            scene.cluster.run_for(0.2)
        scene.settle(scale.patience)
        if scene.is_judged:
            judge_killers(scene, len(victims))
            judge_good(scene, [*load.accepted, *long_jobs])
        return scene.figures()


def judge_killers(scene: ChaosScene, number: int) -> None:
    """Check that every killer has failed and that its error gives the reason."""
    records = [record for job in scene.expected_failures if (record := scene.record(job))]
    scene.notes["reasons"] = sorted(record.error for record in records)
    failed = [record for record in records if record.status is TaskStatus.FAILED]
    explained = [record for record in failed if "killed its worker" in record.error]
    if not number == len(failed) == len(explained):
        scene.faults.append(f"{len(failed)} of {number} killers failed, {len(explained)} say why")


def judge_good(scene: ChaosScene, jobs: list[str]) -> None:
    """Check that a job which a worker held without running it is not charged with its death."""
    deaths = {job: deaths_of(scene, job) for job in jobs}
    scene.notes["deaths counted"] = dict(Counter(map(str, deaths.values())))
    histories = aof.read_histories(scene.cluster.valkey.folder)
    wronged = [job for job in jobs if deaths[job] > histories[job].count("running") - 1]
    if wronged:
        scene.faults.append(f"{len(wronged)} jobs are charged with deaths while they did not run")
    scene.recoveries += measure_waits(scene, jobs)


def measure_waits(scene: ChaosScene, jobs: list[str]) -> list[float]:
    """Seconds from the end of each run without an effect to the job's next start."""
    account, starts = scene.account(), scene.starts()
    failed = [run for job in jobs for run in account.by_job[job] if run.effect_at is None]
    found = [account.restart(run, starts) - (run.over_at or run.began_at) for run in failed]
    return [wait for wait in found if wait < math.inf]


def deaths_of(scene: ChaosScene, job: str) -> float:
    """The deaths charged to a job; a death that another job may have caused counts half."""
    return float(scene.app.store.client.hget(f"continuo:job:{job}", "deaths") or 0)
