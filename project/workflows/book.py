"""``app.workflows``: orders, reads, cancels and retries workflows, for code that blocks."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from project.errors import ContinuoError, InvalidField, RerunRefused
from project.records.workflow import Workflow
from project.store.commands import workflows
from project.store.commands.command import new_call_id
from project.store.commands.jobs import IdempotentOrder
from project.store.commands.message import ID_PLACEHOLDER, Message
from project.store.commands.workflows import (
    CancelResult,
    CreateResult,
    NewWorkflow,
    RetryStep,
    WorkflowPage,
)
from project.text import is_line
from project.workflows.calls import NodeCall
from project.workflows.nodes import build_nodes

MAX_NAME_CHARACTERS = 200
MAX_DEADLINE_SECONDS = 366 * 86_400
MAX_CANCEL_CALLS = 1_000


class WorkflowBook:
    """Orders, reads, cancels and retries workflows; those of a ``tenant`` are its own."""

    def __init__(self, app: Any, tenant: str = "") -> None:
        self.app = app
        self.tenant = tenant

    def of(self, tenant: str) -> "WorkflowBook":
        """The workflows of a tenant, "" for those of none."""
        return WorkflowBook(self.app, tenant)

    def submit(
        self,
        name: str,
        calls: Sequence[NodeCall],
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        order: IdempotentOrder | None = None,
        workflow_id: str = "",
    ) -> CreateResult:
        """Check and make a workflow, and start the nodes that wait for no other.

        ``deadline`` is in seconds from now. Under the same ``workflow_id`` it is made once. Raises
        ``InvalidField`` and ``StoreUnavailable``.
        """
        check_name(name)
        call_id = workflow_id or new_call_id()
        workflow_id = workflow_id or str(uuid4())
        nodes = build_nodes(workflow_id, calls, self.tenant)
        callback = self.build_callback(callback_url) if callback_url is not None else None
        for step in workflows.stage(workflow_id, nodes):
            self.app.store.run(step)
        new = NewWorkflow(
            id=workflow_id,
            call_id=call_id,
            name=name,
            total=len(nodes),
            tenant=self.tenant or None,
            deadline=check_deadline(deadline),
        )
        result: CreateResult = self.app.store.run(workflows.create(new, order, callback))
        if result.how == "gone":
            raise ContinuoError("the workflow was not made in time; order it again")
        if result.how == "made":
            self.start_all(workflow_id)
        return result

    def get(
        self, workflow_id: str, *, offset: int = 0, limit: int = 0, node: str = ""
    ) -> WorkflowPage | None:
        """A workflow with a page of its nodes; None when there is none."""
        command = workflows.read(workflow_id, offset=offset, limit=limit, node=node)
        page: WorkflowPage | None = self.app.store.run(command)
        return page if page and self._owns(page.workflow) else None

    def cancel(self, workflow_id: str) -> CancelResult:
        """Cancel a workflow: nodes that run end within two seconds, no other starts."""
        cancel = workflows.cancel(workflow_id)
        result: CancelResult = self.app.store.run(cancel)
        for _ in range(MAX_CANCEL_CALLS):
            if result is not CancelResult.MORE:
                return result
            result = self.app.store.run(cancel)
            if result is CancelResult.FINAL:  # a round of a worker has cancelled the rest
                return CancelResult.DONE
        return result

    def retry(self, workflow_id: str) -> str:
        """Run again what failed in a workflow that has ended; the rest of it goes on then.

        ``reopened``, or what the workflow is when there is nothing to retry: ``unknown``,
        ``running`` or ``success``.
        """
        how = self.reopen(workflow_id)
        if how == "reopened":
            for job_ids in self.list_to_rerun(workflow_id):
                self.rerun(job_ids)
        return how

    def reopen(self, workflow_id: str) -> str:
        """Do all of ``retry`` but run the jobs again."""
        step: RetryStep = self.app.store.run(workflows.retry(workflow_id))
        while step.cursor:
            step = self.app.store.run(workflows.retry(workflow_id, step.cursor))
        if step.how == "reopened":
            self.start_all(workflow_id)
        return step.how

    def list_to_rerun(self, workflow_id: str) -> Iterator[list[str]]:
        """The jobs that are to run again since the workflow was reopened, some at a time."""
        cursor: str | None = "0"
        while cursor:
            found = self.app.store.run(workflows.list_to_rerun(workflow_id, cursor))
            cursor = found.cursor
            yield found.jobs

    def rerun(self, job_ids: Sequence[str]) -> None:
        """Run jobs of a reopened workflow again.

        The end of a job that cannot run again counts once more, see lua/workflows/tend_workflows.
        """
        for job_id in job_ids:
            with suppress(RerunRefused):
                self.app.AsyncResult(job_id).rerun()

    def _owns(self, workflow: Workflow) -> bool:
        return not self.tenant or workflow.tenant == self.tenant

    def start_all(self, workflow_id: str) -> None:
        """Make the jobs of all nodes that are ready."""
        while self.app.store.run(workflows.start_ready(workflow_id)):
            pass

    def build_callback(self, url: str) -> Message:
        """The message that reports the end of a workflow. Raises ``InvalidField``."""
        callback: Message = self.app.callback_job.message(
            kwargs={"url": url}, task_id=ID_PLACEHOLDER, tenant=self.tenant
        )
        return callback


def check_name(name: Any) -> str:
    """The name of a workflow. Raises ``InvalidField``."""
    is_good = isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARACTERS and is_line(name)
    if not is_good:
        problem = f"must be 1 to {MAX_NAME_CHARACTERS} characters that can be printed"
        raise InvalidField("name", problem)
    return str(name)


def check_deadline(seconds: Any) -> float | None:
    """The seconds until a deadline. Raises ``InvalidField``."""
    if seconds is None:
        return None
    if not isinstance(seconds, int | float) or not 0 < seconds <= MAX_DEADLINE_SECONDS:
        raise InvalidField("deadline", f"must be a number of seconds up to {MAX_DEADLINE_SECONDS}")
    return float(seconds)
