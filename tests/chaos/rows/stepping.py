"""The row that kills processes in the middle of jobs with steps."""

from itertools import count
from pathlib import Path

from tests.chaos.judge.row_result import RowResult
from tests.chaos.judge.step_log import list_repeated
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import MAX_EXAMPLES, ChaosStage

MAIN_IN = 50
"""Which one of so many kills is that of a main process."""


def kill_between_steps(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill pool processes, and now and then a main one, while jobs of five steps run.

    After its third step a job sleeps for a second. No finished step may run again.
    """
    with stage("steps", scale) as scene:
        log = Path(f"{scene.cluster.ledger.path}.steps")
        order = scene.order("steps", str(log))
        load = scene.keep_sending(scale.step_jobs, scale.step_rate, [order])
        for number in count():
            scene.cluster.run_for(scale.kill_step_every)
            if not load.is_alive():
                break
            member = scene.cluster.members[number % scale.workers]
            if number % MAIN_IN == MAIN_IN - 1:
                scene.cluster.kill_main(member)
            else:
                scene.cluster.kill_child(member, number)
        scene.settle(scale.patience)
        if repeated := list_repeated(log):
            scene.notes["repeated"] = repeated[:MAX_EXAMPLES]
            scene.faults.append(f"{len(repeated)} finished steps ran again")
        return scene.figures()
