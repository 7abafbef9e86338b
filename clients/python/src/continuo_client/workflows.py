"""``client.workflows`` and ``client.batches`` of ``Client``."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, Unpack

from continuo_client.calls import Calls
from continuo_client.feeds import Feed
from continuo_client.orders import Order
from continuo_client.requests import Steps
from continuo_client.workflow_calls import WorkflowCalls
from continuo_client.workflow_records import BatchOptions, Node, ShownWorkflow, WorkflowRecord

T = TypeVar("T")

HOUR_SECONDS = 3_600.0


class Run(Protocol):
    """Sends the requests of steps, and returns what these return."""

    def __call__(self, steps: Steps[T]) -> T:
        """What the steps return."""
        ...


class Iterate(Protocol):
    """Reads a feed."""

    def __call__(self, feed: Feed[T]) -> Iterator[T]:
        """The items of the feed."""
        ...


class Workflows:
    """Workflows; one is given by its id or its record. Raises what ``Client`` raises."""

    def __init__(self, calls: Calls, run: Run, iterate: Iterate) -> None:
        self._calls = WorkflowCalls(calls)
        self._run = run
        self._iterate = iterate

    def order(
        self,
        name: str,
        nodes: Sequence[Node],
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        idempotency_key: str = "",
    ) -> WorkflowRecord:
        """Order a workflow of up to 10,000 nodes; it fails when ``deadline`` seconds are over."""
        return self._run(self._calls.order(name, nodes, deadline, callback_url, idempotency_key))

    def get(
        self,
        workflow: WorkflowRecord | str,
        *,
        offset: int = 0,
        limit: int = 100,
        node: str = "",
    ) -> ShownWorkflow:
        """A workflow with a page of its nodes, or of the rows of the fan-out ``node``."""
        return self._run(self._calls.get(workflow, offset, limit, node))

    def wait(self, workflow: WorkflowRecord | str, timeout: float = HOUR_SECONDS) -> ShownWorkflow:
        """The workflow, or batch, when it has ended. Raises ``NotFinished`` after ``timeout``."""
        return self._run(self._calls.wait(workflow, timeout))

    def cancel(self, workflow: WorkflowRecord | str) -> WorkflowRecord:
        """Cancel a workflow. Raises ``Conflict`` when it has ended otherwise."""
        return self._run(self._calls.cancel(workflow))

    def retry(self, workflow: WorkflowRecord | str) -> WorkflowRecord:
        """Run again what failed or was cancelled. Raises ``Conflict`` when there is nothing."""
        return self._run(self._calls.retry(workflow))

    def list(self, *, page_size: int = 50) -> Iterator[WorkflowRecord]:
        """All workflows and batches, newest first."""
        return self._iterate(self._calls.list(page_size))


class Batches:
    """Batches. One is a workflow: list, cancel, retry it and wait for it there."""

    def __init__(self, calls: Calls, run: Run) -> None:
        self._calls = WorkflowCalls(calls)
        self._run = run

    def order(
        self,
        name: str,
        jobs: Iterable[Order[Any]] = (),
        *,
        idempotency_key: str = "",
        **options: Unpack[BatchOptions],
    ) -> WorkflowRecord:
        """Make a batch of up to 1,000 jobs; more can be added until it is closed."""
        return self._run(self._calls.order_batch(name, jobs, options, idempotency_key))

    def add(
        self,
        batch: WorkflowRecord | str,
        jobs: Iterable[Order[Any]],
        *,
        closed: bool = False,
        idempotency_key: str = "",
    ) -> WorkflowRecord:
        """Add up to 1,000 jobs. Raises ``Conflict`` for a batch that is closed."""
        return self._run(self._calls.add(batch, jobs, closed=closed, key=idempotency_key))

    def close(self, batch: WorkflowRecord | str) -> WorkflowRecord:
        """Close a batch: it ends when its jobs have ended."""
        return self._run(self._calls.close(batch))

    def get(self, batch: WorkflowRecord | str) -> WorkflowRecord:
        """The counts of a batch, and the jobs of its end."""
        return self._run(self._calls.get_batch(batch))

    def delete(self, batch: WorkflowRecord | str) -> None:
        """Delete the record of a batch that has ended; its jobs stay."""
        self._run(self._calls.delete(batch))
