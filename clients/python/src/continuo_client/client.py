"""``Client``: the API of Continuo for programs without coroutines."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast, overload

import httpx2

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
from continuo_client.workflows import Batches, Workflows

R = TypeVar("R")
T = TypeVar("T")

DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3_600.0


class Client:
    """Talks to the API at ``url``, with the API key ``key`` if one is needed.

    A request whose answer is lost, or that is answered with 429, 502, 503 or 504, is repeated for
    ``retry_seconds``. An order or a rerun has an idempotency key, so it takes effect once. ``http``
    is a client of httpx2 with settings of your own, such as proxies; you close it.

    Every method raises ``Unreachable`` and ``Refused``, whose subclasses are the kinds of problems.
    A job is given by its id or its record. Threads may share a client.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        retry_seconds: float = RETRY_SECONDS,
        http: httpx2.Client | None = None,
    ) -> None:
        self._calls = Calls(url, key, retry_seconds)
        self._owns_http = http is None
        self._http = http or httpx2.Client()
        self.workflows = Workflows(self._calls, self._run, self._iterate)
        self.batches = Batches(self._calls, self._run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            self._http.close()

    @overload
    def order(
        self,
        order: Order[R],
        payload: None = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[R]: ...

    @overload
    def order(
        self,
        order: str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[Any]: ...

    def order(
        self,
        order: Order[Any] | str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        **options: Unpack[OrderOptions],
    ) -> Record[Any]:
        """Order a job: ``order("invoice", {"customer": "ACME"}, delay=60)``, or an ``Order``.

        The payload is a dict, a dataclass or a msgspec ``Struct``. The idempotency key is a new one
        unless you give one, such as to repeat the order in another process. Raises ``UnknownKind``,
        ``InvalidOrder`` for wrong fields, and ``Conflict`` for a unique key that another job has.
        """
        return self._run(self._calls.order(order, payload, options, idempotency_key))

    def order_many(
        self, orders: Iterable[Order[Any]], *, idempotency_key: str = ""
    ) -> list[Outcome]:
        """Order up to 1,000 jobs of any kinds in one step; returns the outcome of each.

        The idempotency key is a new one unless you give one.
        """
        return self._run(self._calls.order_many(orders, idempotency_key))

    def get(self, job: Record[R] | str) -> Record[R]:
        """The record of a job. Raises ``NotFound``."""
        return cast("Record[R]", self._run(self._calls.get(path_of(job))))

    def arguments(self, job: Record[Any] | str) -> Arguments:
        """The arguments of a job."""
        return cast("Arguments", self._run(self._calls.get(f"{path_of(job)}/payload")))

    def wait(self, job: Record[R] | str, timeout: float = HOUR_SECONDS) -> Record[R]:
        """The record when the job has ended. Raises ``NotFinished`` after ``timeout`` seconds."""
        return self._run(self._calls.wait(job, timeout))

    def result(self, job: Record[R] | str, timeout: float = HOUR_SECONDS) -> R:
        """The result when the job has succeeded. Raises ``JobFailed``, ``JobCancelled``.

        Raises ``NotFinished`` after ``timeout`` seconds.
        """
        return self._run(self._calls.result(job, timeout))

    def follow(
        self, job: Record[Any] | str, timeout: float = DAY_SECONDS, *, last_event_id: str = ""
    ) -> Iterator[Event]:
        """Each change of a job as it happens, until it has ended.

        It stops at most 20 seconds after ``timeout`` seconds. ``last_event_id`` continues after the
        event with this id. Connections may be lost between.
        """
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
    ) -> Iterator[Event]:
        """Each change of all jobs, or of those of a kind, a queue or a status, as ``follow``."""
        query = {"kind": kind, "queue": queue, "status": status}
        return self._iterate(
            EventStream(self._calls, "/events", query, last_event_id=last_event_id, seconds=timeout)
        )

    def jobs(self, *, page_size: int = 50, **wanted: Unpack[JobFilter]) -> Iterator[Record[Any]]:
        """All jobs that match, newest first: ``jobs(kind="report", status="failed")``."""
        return self._iterate(list_jobs(self._calls, wanted, page_size))

    def history(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        page_size: int = 50,
        **wanted: Unpack[HistoryFilter],
    ) -> Iterator[EndedJob]:
        """All ended jobs that match, the last end first, also those whose record is deleted.

        ``history({"payload.order.id": 17}, kind="order")``: ``values`` are those at paths in
        payload or result. Raises ``NotFound`` when the platform keeps no history.
        """
        return self._iterate(search_history(self._calls, values or {}, wanted, page_size))

    def cancel(self, job: Record[R] | str) -> Record[R]:
        """Cancel a job; one that runs ends within two seconds. Raises ``Conflict`` when it is over.

        A job that is cancelled already stays so.
        """
        return self._run(self._calls.cancel(job))

    def log(
        self,
        job: Record[Any] | str,
        *,
        attempt: int | None = None,
        level: Level = "debug",
        after: int = 0,
    ) -> JobLog:
        """What a job has logged, oldest line first: the last 64 KB, and files of what is more.

        ``attempt``: only its lines. ``level``: only lines of this level or above. ``after``: only
        lines after a place, the ``next`` of an earlier answer.
        """
        wanted = {"attempt": attempt, "level": level, "after": after}
        return self._run(self._calls.log(job, **wanted))

    def signal(self, job: Record[Any] | str, name: str, value: Any = None) -> SentSignal:
        """Send a signal to a job, which goes on if it waits for one of this name.

        One that comes before its wait is kept. The same again changes nothing. Raises ``Conflict``
        for a different one, after the time of the wait, and when the job has ended, and
        ``InvalidOrder`` when the value is not of the type for which the job waits.
        """
        return self._run(self._calls.signal(job, name, value))

    def retry(
        self,
        job: Record[R] | str,
        payload: Any = None,
        *,
        max_retries: int | None = None,
        idempotency_key: str = "",
    ) -> Record[R]:
        """Rerun a failed or cancelled job, with another payload if one is given.

        ``max_retries``: the most attempts from now on. Raises ``Conflict`` for another job.
        """
        return self._run(self._calls.retry(job, payload, max_retries, idempotency_key))

    def cancel_all(
        self, wanted: JobFilter, *, dry_run: bool = False, idempotency_key: str = ""
    ) -> Record[Any] | DryRun:
        """Cancel all jobs that match, by a job whose record is returned; ``{}`` means all.

        ``dry_run``: change nothing, and return how many match.
        """
        return self._run(
            self._calls.change_all("cancel", wanted, dry_run=dry_run, key=idempotency_key)
        )

    def retry_all(
        self, wanted: JobFilter, *, dry_run: bool = False, idempotency_key: str = ""
    ) -> Record[Any] | DryRun:
        """Rerun all failed or cancelled jobs that match, as ``cancel_all``."""
        return self._run(
            self._calls.change_all("retry", wanted, dry_run=dry_run, key=idempotency_key)
        )

    def download(self, link: str, path: Path | str) -> Path:
        """Download a file that a job made, by the link in its result, to ``path``.

        What has come is kept in ``path`` + ``.part``. There it continues after a lost connection,
        and so does the next call, if the content is the same. Raises ``Gone`` for an old link.
        """
        return self._run(download(link, Path(path), self._calls.seconds))

    def kinds(self) -> list[Kind]:
        """The typed kinds, with the schemas of their orders and results."""
        return self._run(self._calls.list_kinds())

    def queues(self) -> list[Queue]:
        """All queues."""
        return self._run(self._calls.list_all("/queues", "queues"))

    def pause_queue(self, name: str) -> Queue:
        """Pause a queue: workers take no more jobs from it."""
        return self._run(self._calls.change_queue(name, "pause"))

    def resume_queue(self, name: str) -> Queue:
        """Resume a queue."""
        return self._run(self._calls.change_queue(name, "resume"))

    def workers(self) -> list[Worker]:
        """The live workers and what they run."""
        return self._run(self._calls.list_all("/workers", "workers"))

    def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """The JSON of any route: ``call("GET", "/queue/history")``.

        Only GET is repeated when the request may have arrived.
        """
        is_safe = method == "GET"
        return self._run(self._calls.call(method, path, query=query, body=body, is_safe=is_safe))

    def _run(self, steps: Steps[T]) -> T:
        try:
            request = next(steps)
            while True:
                request = steps.send(self._send(request))
        except StopIteration as end:
            return cast("T", end.value)

    def _iterate(self, feed: Feed[T]) -> Iterator[T]:
        while not feed.is_over:
            yield from self._run(feed.read())

    def _send(self, request: Request) -> Answer:
        if request.delay:
            time.sleep(request.delay)
        try:
            with self._http.stream(**build_sending(self._calls, request)) as response:
                headers = headers_from(response)
                content = bytearray()
                if request.sink and is_download(request, response):
                    with request.sink.open(response.status_code, headers) as file:
                        for chunk in response.iter_bytes():
                            file.write(chunk)
                else:
                    for chunk in response.iter_bytes():
                        join_content(content, chunk)
                return Answer(response.status_code, headers, bytes(content))
        except httpx2.RequestError as error:
            return answer_from_error(error)
