"""``client.workflows`` and ``client.batches`` of ``AsyncClient``; see ``workflows``."""

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, Unpack

from continuo_client.calls import Calls
from continuo_client.feeds import Feed
from continuo_client.orders import Order
from continuo_client.requests import Steps
from continuo_client.workflow_calls import WorkflowCalls
from continuo_client.workflow_records import BatchOptions, Node, ShownWorkflow, WorkflowRecord

T = TypeVar("T")

HOUR_SECONDS = 3_600.0


class AsyncRun(Protocol):
    """Sends the requests of steps, and returns what these return."""

    def __call__(self, steps: Steps[T]) -> Awaitable[T]:
        """What the steps return."""
        ...


class AsyncIterate(Protocol):
    """Reads a feed."""

    def __call__(self, feed: Feed[T]) -> AsyncIterator[T]:
        """The items of the feed."""
        ...


class AsyncWorkflows:
    """Workflows; one is given by its id or its record. Raises what ``Client`` raises."""

    def __init__(self, calls: Calls, run: AsyncRun, iterate: AsyncIterate) -> None:
        self._calls = WorkflowCalls(calls)
        self._run = run
        self._iterate = iterate

    async def order(
        self,
        name: str,
        nodes: Sequence[Node],
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        idempotency_key: str = "",
    ) -> WorkflowRecord:
        """See ``Workflows.order``."""
        return await self._run(
            self._calls.order(name, nodes, deadline, callback_url, idempotency_key)
        )

    async def get(
        self,
        workflow: WorkflowRecord | str,
        *,
        offset: int = 0,
        limit: int = 100,
        node: str = "",
    ) -> ShownWorkflow:
        """See ``Workflows.get``."""
        return await self._run(self._calls.get(workflow, offset, limit, node))

    async def wait(
        self, workflow: WorkflowRecord | str, timeout: float = HOUR_SECONDS
    ) -> ShownWorkflow:
        """See ``Workflows.wait``."""
        return await self._run(self._calls.wait(workflow, timeout))

    async def cancel(self, workflow: WorkflowRecord | str) -> WorkflowRecord:
        """See ``Workflows.cancel``."""
        return await self._run(self._calls.cancel(workflow))

    async def retry(self, workflow: WorkflowRecord | str) -> WorkflowRecord:
        """See ``Workflows.retry``."""
        return await self._run(self._calls.retry(workflow))

    def list(self, *, page_size: int = 50) -> AsyncIterator[WorkflowRecord]:
        """See ``Workflows.list``."""
        return self._iterate(self._calls.list(page_size))


class AsyncBatches:
    """Batches. One is a workflow: list, cancel, retry it and wait for it there."""

    def __init__(self, calls: Calls, run: AsyncRun) -> None:
        self._calls = WorkflowCalls(calls)
        self._run = run

    async def order(
        self,
        name: str,
        jobs: Iterable[Order[Any]] = (),
        *,
        idempotency_key: str = "",
        **options: Unpack[BatchOptions],
    ) -> WorkflowRecord:
        """See ``Batches.order``."""
        return await self._run(self._calls.order_batch(name, jobs, options, idempotency_key))

    async def add(
        self,
        batch: WorkflowRecord | str,
        jobs: Iterable[Order[Any]],
        *,
        closed: bool = False,
        idempotency_key: str = "",
    ) -> WorkflowRecord:
        """See ``Batches.add``."""
        return await self._run(self._calls.add(batch, jobs, closed=closed, key=idempotency_key))

    async def close(self, batch: WorkflowRecord | str) -> WorkflowRecord:
        """See ``Batches.close``."""
        return await self._run(self._calls.close(batch))

    async def get(self, batch: WorkflowRecord | str) -> WorkflowRecord:
        """See ``Batches.get``."""
        return await self._run(self._calls.get_batch(batch))

    async def delete(self, batch: WorkflowRecord | str) -> None:
        """See ``Batches.delete``."""
        await self._run(self._calls.delete(batch))
