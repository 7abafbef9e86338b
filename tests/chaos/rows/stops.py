"""The row that restarts workers as a deployment does."""

import signal

from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

UNLIMITED_JOBS = 1_000_000
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 60.0


def restart_workers(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Send SIGTERM to the Procfile's workers repeatedly, under load.

    Every second time the signal goes to all processes of a worker, as some service managers do.
    """
    with stage("rolling", scale, workers=2, as_procfile=True) as scene:
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate / 2)
        for number in range(scale.stops):
            scene.send("long", 2.0)
            restart_worker(scene, number)
        load.stop()
        scene.settle(scale.patience)
        if scene.is_judged:
            judge_attempts(scene)
        return scene.figures()


def restart_worker(scene: ChaosScene, number: int) -> None:
    """Stop a worker with SIGTERM and wait until its successor is ready."""
    member = scene.cluster.members[number % len(scene.cluster.members)]
    starts = member.starts
    if number % 2:
        scene.cluster.signal(member, signal.SIGTERM)
    elif member.process:
        member.process.terminate()
    scene.expect(
        lambda: member.starts > starts, STOP_TIMEOUT_SECONDS, f"{member.name} did not stop"
    )
    scene.expect(lambda: member.is_ready, START_TIMEOUT_SECONDS, f"{member.name} did not come back")


def judge_attempts(scene: ChaosScene) -> None:
    """Check that no job had a second attempt and that every worker exited with 0."""
    records = [record for job in scene.accepted() if (record := scene.record(job))]
    again = sum(record.attempts != 1 for record in records)
    scene.notes["interruptions"] = sum(record.interruptions for record in records)
    if again:
        scene.faults.append(f"{again} jobs did not have exactly one attempt")
    bad = [ending for ending in scene.cluster.exits if not ending.endswith(": 0")]
    if bad:
        scene.faults.append(f"workers did not exit with 0: {', '.join(bad)}")
