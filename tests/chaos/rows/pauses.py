"""The row that stops a worker during a job and lets it continue later."""

import json
import time
from typing import Any

from project.records.record import TaskStatus
from project.store.commands import attempts, command, message
from tests.chaos.judge import aof
from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

MAX_STALE_SECONDS = 2.0
"""Time after SIGCONT within which a stale attempt has to stop."""

ACCEPTING_ANSWERS = {"started", "go", "again", "True"}


def pause_worker(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Send SIGSTOP to a whole worker, wait until another takes its job, send SIGCONT."""
    with stage("pause", scale) as scene:
        scene.may_overlap = True
        job = scene.send("long", scale.paused_job)
        runner = scene.runner_of(job)
        scene.keep_sending(round(scale.paused_job * 20), 20)
        scene.cluster.run_for(1.0)
        token = token_of(scene, job)
        stopped_at = time.time()
        scene.pause(runner)
        scene.cluster.run_for(scale.pause)
        scene.cluster.killed += len(runner.children())  # the worker kills them: its lease ended
        continued_at = scene.unpause(runner)
        scene.cluster.wait_until(
            lambda: token_of(scene, job) not in ("", token), scale.patience, "not given away"
        )
        refuse_stale(scene, job, token)
        scene.settle(scale.patience)
        judge_stale(scene, job, stopped_at, continued_at)
        return scene.figures()


def token_of(scene: ChaosScene, job: str) -> str:
    """The token of the running attempt."""
    token: bytes = scene.app.store.client.hget(f"continuo:job:{job}", "token")
    return token.decode()


def refuse_stale(scene: ChaosScene, job: str, token: str) -> None:
    """Send every command with the token of the stale attempt; each has to be refused."""
    nothing = json.dumps(None)
    stale: dict[str, command.Command[Any]] = {
        "start": attempts.start(job, retries=0, token=token),
        "succeed": attempts.succeed(job, token=token, result=nothing, result_message=nothing),
        "retry": attempts.retry(
            job, token=token, error="", delay=0, message=message.Message(job, "", "", "", "", 0)
        ),
        "fail": attempts.fail(
            job,
            token=token,
            status=TaskStatus.FAILED,
            error="",
            exception=nothing,
            result_message=nothing,
        ),
        "cancelled": attempts.end_cancelled(job, token=token),
        "claim": attempts.claim(job, token=token, key="stale"),
    }
    answers = {name: scene.app.store.run(move) for name, move in stale.items()}
    scene.notes["answers to the stale attempt"] = {k: str(v) for k, v in answers.items()}
    taken = [name for name, answer in answers.items() if str(answer) in ACCEPTING_ANSWERS]
    scene.faults += [f"{name} of the stale attempt was accepted" for name in taken]


def judge_stale(scene: ChaosScene, job: str, stopped_at: float, continued_at: float) -> None:
    """Check that the stale run stopped in time and that the job ran normally elsewhere."""
    runs = scene.account().by_job[job]
    events = [event for event in scene.cluster.ledger.events() if event.run == runs[0].start.run]
    after = max((event.at for event in events), default=0.0) - continued_at
    scene.notes["stale run worked on for s"] = round(max(after, 0.0), 3)
    scene.recoveries += [run.began_at - stopped_at for run in runs[1:2]]
    if after > MAX_STALE_SECONDS:
        scene.faults.append(f"the stale attempt continued for {after:.1f} s")
    history = aof.read_histories(scene.cluster.valkey.folder)[job]
    scene.notes["history"] = history
    if history != ["pending", "running", "pending", "running", "success"]:
        scene.faults.append(f"the job went {' > '.join(history)}")
