"""What ``workflows`` and ``batches`` of the clients ask the API, as steps that a client sends."""

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any, cast
from urllib.parse import quote

from continuo_client.calls import Calls, drop_unset
from continuo_client.errors import Conflict, NotFinished
from continuo_client.feeds import Pages
from continuo_client.orders import Order
from continuo_client.requests import Request, Steps
from continuo_client.workflow_records import BatchOptions, Node, ShownWorkflow, WorkflowRecord

MIN_LOOK_SECONDS, MAX_LOOK_SECONDS = 0.2, 2.0
"""The pause between two looks at a workflow: it doubles from the first to the second."""

WORKFLOWS, BATCHES = "/workflows", "/batches"


class WorkflowCalls:
    """The requests about workflows and batches of one client."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def order(
        self,
        name: str,
        nodes: Sequence[Node],
        deadline: float | None,
        callback_url: str | None,
        key: str,
    ) -> Steps[WorkflowRecord]:
        """Order a workflow."""
        about = drop_unset({"deadline": deadline, "callback_url": callback_url})
        body = {"name": name, "nodes": list(nodes), **about}
        return cast("WorkflowRecord", (yield from self._calls.post(WORKFLOWS, body, key)))

    def get(
        self, workflow: WorkflowRecord | str, offset: int, limit: int, node: str
    ) -> Steps[ShownWorkflow]:
        """A workflow with a page of its nodes."""
        path = workflow_path(workflow)
        shown = yield from self._calls.get(path, offset=offset, limit=limit, node=node or None)
        return cast("ShownWorkflow", shown)

    def wait(self, workflow: WorkflowRecord | str, seconds: float) -> Steps[ShownWorkflow]:
        """The workflow when it has ended. Raises ``NotFinished`` after ``seconds``."""
        end, pause, delay = monotonic() + seconds, MIN_LOOK_SECONDS, 0.0
        while True:
            request = Request("GET", workflow_path(workflow), delay=delay)
            shown = cast("ShownWorkflow", (yield from self._calls.send(request)).parse())
            if shown["status"] != "running":
                return shown
            delay, pause = pause, min(2 * pause, MAX_LOOK_SECONDS)
            if monotonic() + delay >= end:
                text = f"workflow {shown['id']} has not ended in {seconds:g} s"
                raise NotFinished(text, shown)

    def cancel(self, workflow: WorkflowRecord | str) -> Steps[WorkflowRecord]:
        """Cancel a workflow; one that is cancelled already stays so, as after a lost answer."""
        path = workflow_path(workflow)
        try:
            return cast("WorkflowRecord", (yield from self._calls.call("POST", f"{path}/cancel")))
        except Conflict:
            shown = yield from self._calls.get(path, limit=0)
            if shown["status"] != "cancelled":
                raise
            return cast("WorkflowRecord", shown)

    def retry(self, workflow: WorkflowRecord | str) -> Steps[WorkflowRecord]:
        """Run again what failed in a workflow; not repeated when it may have arrived."""
        path = f"{workflow_path(workflow)}/retry"
        return cast("WorkflowRecord", (yield from self._calls.call("POST", path, is_safe=False)))

    def list(self, page_size: int) -> Pages[WorkflowRecord]:
        """All workflows, newest first."""
        return Pages(self._calls, WORKFLOWS, "workflows", {"limit": page_size}, place="offset")

    def order_batch(
        self, name: str, jobs: Iterable[Order[Any]], options: BatchOptions, key: str
    ) -> Steps[WorkflowRecord]:
        """Make a batch."""
        plain = {
            each: build_job(value) if isinstance(value, Order) else value
            for each, value in options.items()
        }
        body = {"name": name, "jobs": [build_job(each) for each in jobs], **plain}
        return cast("WorkflowRecord", (yield from self._calls.post(BATCHES, body, key)))

    def add(
        self,
        batch: WorkflowRecord | str,
        jobs: Iterable[Order[Any]],
        *,
        closed: bool,
        key: str,
    ) -> Steps[WorkflowRecord]:
        """Add jobs to a batch."""
        body = {"jobs": [build_job(each) for each in jobs], "closed": closed}
        path = f"{workflow_path(batch, BATCHES)}/jobs"
        return cast("WorkflowRecord", (yield from self._calls.post(path, body, key)))

    def close(self, batch: WorkflowRecord | str) -> Steps[WorkflowRecord]:
        """Close a batch."""
        path = f"{workflow_path(batch, BATCHES)}/close"
        return cast("WorkflowRecord", (yield from self._calls.call("POST", path)))

    def get_batch(self, batch: WorkflowRecord | str) -> Steps[WorkflowRecord]:
        """A batch."""
        path = workflow_path(batch, BATCHES)
        return cast("WorkflowRecord", (yield from self._calls.get(path)))

    def delete(self, batch: WorkflowRecord | str) -> Steps[None]:
        """Delete the record of a batch that has ended."""
        yield from self._calls.call("DELETE", workflow_path(batch, BATCHES), is_safe=False)


def workflow_path(workflow: WorkflowRecord | str, under: str = WORKFLOWS) -> str:
    """The path of a workflow or a batch, by its id or its record."""
    return f"{under}/{quote(workflow if isinstance(workflow, str) else workflow['id'], safe='')}"


def build_job(order: Order[Any]) -> dict[str, Any]:
    """A job of a batch."""
    return {"kind": order.kind, **order.build_body()}
