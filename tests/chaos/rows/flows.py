"""The row that kills everything while a workflow runs."""

from itertools import count

from project.workflows.calls import NodeCall
from project.workflows.nodes import build_node_id
from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

LAYERS = 10
PARENTS = 3
"""How many nodes of the layer before a node waits for."""


def run_workflow(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill all worker processes at once, and every second time the server too, during workflows.

    A workflow has ten layers of nodes, each of which waits for three of the layer before.
    """
    with stage("workflow", scale) as scene:
        ids = [order_workflow(scene, scale.workflow_nodes, n) for n in range(scale.workflows)]
        for number in count():
            scene.cluster.run_for(scale.kill_workflow_every)
            if number >= scale.workflow_kills or all(has_ended(scene, each) for each in ids):
                break
            scene.cluster.kill_everything()
            if number % 2:
                scene.cluster.kill_valkey()
                scene.cluster.restart_valkey()
        scene.notes["rounds"] = number
        scene.expect(
            lambda: all(has_ended(scene, each) for each in ids), scale.patience, "workflows open"
        )
        scene.settle(scale.patience)
        return scene.figures()


def order_workflow(scene: ChaosScene, nodes: int, number: int) -> str:
    """Order a workflow; its id. Its nodes are jobs of the row."""
    task = scene.app.task(run_elsewhere, name="chaos.short", shared=False)
    wide = nodes // LAYERS
    calls = [
        NodeCall(
            f"n{layer}-{place}",
            task,
            {"ledger": str(scene.cluster.ledger.path)},
            after=[f"n{layer - 1}-{(place + step) % wide}" for step in range(PARENTS)]
            if layer
            else [],
        )
        for layer in range(LAYERS)
        for place in range(wide)
    ]
    made = scene.app.workflows.submit(f"workflow {number}", calls)
    scene.kind_by_id |= {build_node_id(made.id, call.id): task.name for call in calls}
    return str(made.id)


def run_elsewhere(ledger: str) -> None:
    """Stands for the kind in the process that orders it."""


def has_ended(scene: ChaosScene, workflow_id: str) -> bool:
    """Whether the workflow has ended."""
    return scene.app.workflows.get(workflow_id).workflow.is_final
