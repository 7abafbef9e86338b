"""The kind ``workflow``: a job that orders a workflow, waits for it without a worker, and ends so.

A schedule fires such jobs. The workflow has the id of its job: it is made once, whatever happens to
the attempts. May import: project, no other kind.
"""

from datetime import timedelta
from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError, StoreUnavailable
from project.records.workflow import WorkflowStatus
from project.workflows.book import check_deadline, check_name
from project.workflows.nodes import build_nodes
from project.workflows.plans import WORKFLOW_KIND, NodePlan, load_calls

END_SIGNAL = "end"
"""What the end of the workflow sends to its job; see ``lib/workflow.lua``."""


def check_order(
    name: str, nodes: list[NodePlan], deadline: float | None, callback_url: str | None
) -> None:
    """Raise ``InvalidField`` for a workflow that cannot be ordered."""
    check_name(name)
    check_deadline(deadline)
    build_nodes("checked", load_calls(app, nodes))
    if callback_url is not None:
        app.workflows.build_callback(callback_url)


@app.retried_task(
    name=WORKFLOW_KIND,
    typed=True,
    check=check_order,
    autoretry_for=(StoreUnavailable,),
    dont_autoretry_for=(InvalidField,),
    keeps_steps=False,
)
def run_workflow(
    self: Any,
    name: str,
    nodes: list[NodePlan],
    deadline: float | None = None,
    callback_url: str | None = None,
) -> dict[str, int]:
    """Order a workflow and wait for its end; how many nodes it had, and how they ended.

    To cancel the job cancels the workflow, to run the job again retries the workflow. Raises
    ``PermanentError`` when it does not succeed.
    """
    own_id = self.request.id
    book = app.workflows.of(self.AsyncResult(own_id).record.tenant or "")

    def order_or_retry() -> None:
        if book.retry(own_id) != "unknown":
            return
        book.submit(
            name,
            load_calls(app, nodes),
            deadline=deadline,
            callback_url=callback_url,
            workflow_id=own_id,
        )

    self.step("order", order_or_retry)
    self.wait(END_SIGNAL, timeout=timedelta(days=366))
    ended = book.get(own_id).workflow
    if ended.status is not WorkflowStatus.SUCCESS:
        where = f": {ended.stopped}" if ended.stopped else ""
        raise PermanentError(f"the workflow is {ended.status}{where}")
    counts: dict[str, int] = {"nodes": ended.nodes.total, "success": ended.nodes.success}
    return counts
