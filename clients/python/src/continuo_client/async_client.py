"""``AsyncClient``: the API of Continuo for programs with coroutines. ``Client`` documents it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast, overload

import httpx2

from continuo_client.async_workflows import AsyncBatches, AsyncWorkflows
from continuo_client.calls import RETRY_SECONDS, Calls, path_of
from continuo_client.downloads import download
from continuo_client.events import Event
from continuo_client.feeds import EventStream, Feed, list_jobs, search_history
from continuo_client.orders import Order, OrderOptions
from continuo_client.records import (
    Arguments,
    DryRun,
    EndedJob,
    HistoryFilter,
    JobFilter,
    JobLog,
    Kind,
    Level,
    Outcome,
    Queue,
    Record,
    SentSignal,
    Status,
    Worker,
)
from continuo_client.requests import Answer, Request, Steps
from continuo_client.transport import (
    answer_from_error,
    build_sending,
    headers_from,
    is_download,
    join_content,
)

R = TypeVar("R")
T = TypeVar("T")

DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3_600.0


class AsyncClient:
    """The same as ``Client``, with coroutines and asynchronous iterators.

    Tasks of one event loop may share a client.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        retry_seconds: float = RETRY_SECONDS,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._calls = Calls(url, key, retry_seconds)
        self._owns_http = http is None
        self._http = http or httpx2.AsyncClient()
        self.workflows = AsyncWorkflows(self._calls, self._run, self._iterate)
        self.batches = AsyncBatches(self._calls, self._run)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            await self._http.aclose()

    @overload
    async def order(
        self,
        order: Order[R],
        payload: None = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[R]: ...

    @overload
    async def order(
        self,
        order: str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[Any]: ...

    async def order(
        self,
        order: Order[Any] | str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[Any]:
        """See ``Client.order``."""
        return await self._run(self._calls.order(order, payload, options, idempotency_key))

    async def order_many(
        self, orders: Iterable[Order[Any]], *, idempotency_key: str = ""
    ) -> list[Outcome]:
        """See ``Client.order_many``."""
        return await self._run(self._calls.order_many(orders, idempotency_key))

    async def get(self, job: Record[R] | str) -> Record[R]:
        """See ``Client.get``."""
        return cast("Record[R]", await self._run(self._calls.get(path_of(job))))

    async def arguments(self, job: Record[Any] | str) -> Arguments:
        """See ``Client.arguments``."""
        return cast("Arguments", await self._run(self._calls.get(f"{path_of(job)}/payload")))

    async def wait(self, job: Record[R] | str, timeout: float = HOUR_SECONDS) -> Record[R]:
        """See ``Client.wait``."""
        return await self._run(self._calls.wait(job, timeout))

    async def result(self, job: Record[R] | str, timeout: float = HOUR_SECONDS) -> R:
        """See ``Client.result``."""
        return await self._run(self._calls.result(job, timeout))

    def follow(
        self, job: Record[Any] | str, timeout: float = DAY_SECONDS, *, last_event_id: str = ""
    ) -> AsyncIterator[Event]:
        """See ``Client.follow``."""
        path = f"{path_of(job)}/events"
        return self._iterate(
            EventStream(self._calls, path, {}, last_event_id=last_event_id, seconds=timeout)
        )

    def events(
        self,
        timeout: float = DAY_SECONDS,
        *,
        last_event_id: str = "",
        kind: str | None = None,
        queue: str | None = None,
        status: Status | None = None,
    ) -> AsyncIterator[Event]:
        """See ``Client.events``."""
        query = {"kind": kind, "queue": queue, "status": status}
        return self._iterate(
            EventStream(self._calls, "/events", query, last_event_id=last_event_id, seconds=timeout)
        )

    def jobs(
        self, *, page_size: int = 50, **wanted: Unpack[JobFilter]
    ) -> AsyncIterator[Record[Any]]:
        """See ``Client.jobs``."""
        return self._iterate(list_jobs(self._calls, wanted, page_size))

    def history(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        page_size: int = 50,
        **wanted: Unpack[HistoryFilter],
    ) -> AsyncIterator[EndedJob]:
        """See ``Client.history``."""
        return self._iterate(search_history(self._calls, values or {}, wanted, page_size))

    async def cancel(self, job: Record[R] | str) -> Record[R]:
        """See ``Client.cancel``."""
        return await self._run(self._calls.cancel(job))

    async def log(
        self,
        job: Record[Any] | str,
        *,
        attempt: int | None = None,
        level: Level = "debug",
        after: int = 0,
    ) -> JobLog:
        """See ``Client.log``."""
        wanted = {"attempt": attempt, "level": level, "after": after}
        return await self._run(self._calls.log(job, **wanted))

    async def signal(self, job: Record[Any] | str, name: str, value: Any = None) -> SentSignal:
        """See ``Client.signal``."""
        return await self._run(self._calls.signal(job, name, value))

    async def retry(
        self,
        job: Record[R] | str,
        payload: Any = None,
        *,
        max_retries: int | None = None,
        idempotency_key: str = "",
    ) -> Record[R]:
        """See ``Client.retry``."""
        return await self._run(self._calls.retry(job, payload, max_retries, idempotency_key))

    async def cancel_all(
        self, wanted: JobFilter, *, dry_run: bool = False, idempotency_key: str = ""
    ) -> Record[Any] | DryRun:
        """See ``Client.cancel_all``."""
        return await self._run(
            self._calls.change_all("cancel", wanted, dry_run=dry_run, key=idempotency_key)
        )

    async def retry_all(
        self, wanted: JobFilter, *, dry_run: bool = False, idempotency_key: str = ""
    ) -> Record[Any] | DryRun:
        """See ``Client.retry_all``."""
        return await self._run(
            self._calls.change_all("retry", wanted, dry_run=dry_run, key=idempotency_key)
        )

    async def download(self, link: str, path: Path | str) -> Path:
        """See ``Client.download``."""
        return await self._run(download(link, Path(path), self._calls.seconds))

    async def kinds(self) -> list[Kind]:
        """See ``Client.kinds``."""
        return await self._run(self._calls.list_kinds())

    async def queues(self) -> list[Queue]:
        """See ``Client.queues``."""
        return await self._run(self._calls.list_all("/queues", "queues"))

    async def pause_queue(self, name: str) -> Queue:
        """See ``Client.pause_queue``."""
        return await self._run(self._calls.change_queue(name, "pause"))

    async def resume_queue(self, name: str) -> Queue:
        """See ``Client.resume_queue``."""
        return await self._run(self._calls.change_queue(name, "resume"))

    async def workers(self) -> list[Worker]:
        """See ``Client.workers``."""
        return await self._run(self._calls.list_all("/workers", "workers"))

    async def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """See ``Client.call``."""
        is_safe = method == "GET"
        return await self._run(
            self._calls.call(method, path, query=query, body=body, is_safe=is_safe)
        )

    async def _run(self, steps: Steps[T]) -> T:
        try:
            request = next(steps)
            while True:
                request = steps.send(await self._send(request))
        except StopIteration as end:
            return cast("T", end.value)

    async def _iterate(self, feed: Feed[T]) -> AsyncIterator[T]:
        while not feed.is_over:
            for item in await self._run(feed.read()):
                yield item

    async def _send(self, request: Request) -> Answer:
        if request.delay:
            await asyncio.sleep(request.delay)
        try:
            async with self._http.stream(**build_sending(self._calls, request)) as response:
                headers = headers_from(response)
                content = bytearray()
                if request.sink and is_download(request, response):
                    with request.sink.open(response.status_code, headers) as file:
                        async for chunk in response.aiter_bytes():
                            file.write(chunk)
                else:
                    async for chunk in response.aiter_bytes():
                        join_content(content, chunk)
                return Answer(response.status_code, headers, bytes(content))
        except httpx2.RequestError as error:
            return answer_from_error(error)
