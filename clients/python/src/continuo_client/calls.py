"""What each method of the clients asks the API, as steps that a client sends."""

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit
from uuid import uuid4

import msgspec

from continuo_client.errors import (
    Conflict,
    JobCancelled,
    JobFailed,
    NotFinished,
    UnknownKind,
)
from continuo_client.orders import SHIPPED_PATHS, Order, OrderOptions
from continuo_client.records import (
    FINAL_STATUSES,
    DryRun,
    JobFilter,
    JobLog,
    Kind,
    Outcome,
    Queue,
    Record,
    SentSignal,
)
from continuo_client.requests import Answer, Request, Steps, send
from continuo_client.version import __version__

R = TypeVar("R")

RETRY_SECONDS = 60.0
MAX_WAIT_SECONDS = 25.0
"""The longest wait that the API allows in one request."""

WAIT_PAUSE_SECONDS = 0.2
"""The pause before the next wait: the API answers at once when too many clients wait."""

ENCODER = msgspec.json.Encoder(decimal_format="number")


class Calls:
    """The requests of one client. ``seconds`` is how long each is repeated without an answer.

    Raises ``ValueError`` for a URL or a key that HTTP cannot have.
    """

    def __init__(self, url: str, key: str = "", seconds: float = RETRY_SECONDS) -> None:
        self.url = require_web_url(url).rstrip("/")
        self.key = require_header_value(key)
        self.seconds = seconds
        self._paths = dict(SHIPPED_PATHS)

    def address_of(self, request: Request) -> str:
        """The URL of a request."""
        return self.url + request.path if request.path.startswith("/") else request.path

    def headers_of(self, request: Request) -> dict[str, str]:
        """The headers of a request; only the API itself gets the key."""
        headers = {"User-Agent": f"continuo-client/{__version__}", "Accept": "*/*"}
        if self.key and request.path.startswith("/"):
            headers["X-API-Key"] = self.key
        return headers | dict(request.headers)

    def send(self, request: Request) -> Steps[Answer]:
        """The answer to a request, which is repeated when none comes."""
        return (yield from send(request, self.seconds))

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str = "",
        is_safe: bool = True,
    ) -> Steps[Any]:
        """The JSON that the API answers, None for no content."""
        headers = {"Idempotency-Key": key} if key else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = ENCODER.encode(body)
        request = Request(method, path, drop_unset(query or {}), headers, content, is_safe=is_safe)
        answer = yield from self.send(request)
        return answer.parse() if answer.content else None

    def get(self, path: str, **query: Any) -> Steps[Any]:
        """GET a path."""
        return (yield from self.call("GET", path, query=query))

    def post(self, path: str, body: Any = None, key: str = "") -> Steps[Any]:
        """POST a body under an idempotency key: a new one unless one is given."""
        return (yield from self.call("POST", path, body=body, key=key or str(uuid4())))

    def find_path(self, kind: str) -> Steps[str]:
        """The path where a kind is ordered. Raises ``UnknownKind``."""
        if kind not in self._paths:
            self._paths |= {each["kind"]: each["path"] for each in (yield from self.list_kinds())}
        if kind not in self._paths:
            known = ", ".join(sorted(self._paths))
            raise UnknownKind(f"there is no kind {kind!r} to order; there are: {known}")
        return self._paths[kind]

    def order(
        self, order: Order[R] | str, payload: Any, options: OrderOptions, key: str
    ) -> Steps[Record[R]]:
        """Order a job."""
        if isinstance(order, str):
            order = Order(order, {} if payload is None else payload)
        body = order.with_options(**options).build_body()
        path = order.path or (yield from self.find_path(order.kind))
        return cast("Record[R]", (yield from self.post(path, body, key)))

    def order_many(self, orders: Iterable[Order[Any]], key: str) -> Steps[list[Outcome]]:
        """Order jobs in bulk."""
        body = {"tasks": [{"kind": each.kind, **each.build_body()} for each in orders]}
        answered = yield from self.post("/tasks/bulk", body, key)
        return cast("list[Outcome]", answered["tasks"])

    def wait(self, job: Record[R] | str, seconds: float) -> Steps[Record[R]]:
        """The record when it is final. Raises ``NotFinished`` after ``seconds``."""
        end, delay = monotonic() + seconds, 0.0
        while True:
            left = min(max(end - monotonic(), 1.0), MAX_WAIT_SECONDS)
            headers = {"Prefer": f"wait={left:.0f}"}
            path = path_of(job)
            request = Request("GET", path, headers=headers, wait=left, delay=delay)
            record = cast("Record[R]", (yield from self.send(request)).parse())
            if record["status"] in FINAL_STATUSES:
                return record
            delay = WAIT_PAUSE_SECONDS
            if monotonic() + delay >= end:
                raise NotFinished(f"job {record['id']} has not ended in {seconds:g} s", record)

    def result(self, job: Record[R] | str, seconds: float) -> Steps[R]:
        """The result. Raises ``JobFailed``, ``JobCancelled`` and ``NotFinished``."""
        record = yield from self.wait(job, seconds)
        if record["status"] == "failed":
            last = record["error"].rstrip().rpartition("\n")[2]
            raise JobFailed(f"job {record['id']} failed: {last}", record)
        if record["status"] == "cancelled":
            raise JobCancelled(f"job {record['id']} was cancelled", record)
        return cast("R", record["result"])

    def cancel(self, job: Record[R] | str) -> Steps[Record[R]]:
        """Cancel a job; one that is cancelled already stays so, as after a lost answer."""
        try:
            return cast("Record[R]", (yield from self.post(f"{path_of(job)}/cancel")))
        except Conflict as refused:
            record = refused.problem.get("task", {})
            if record.get("status") != "cancelled":
                raise
            return cast("Record[R]", record)

    def log(self, job: Record[Any] | str, **wanted: Any) -> Steps[JobLog]:
        """What a job has logged."""
        return cast("JobLog", (yield from self.get(f"{path_of(job)}/logs", **wanted)))

    def signal(self, job: Record[Any] | str, name: str, value: Any) -> Steps[SentSignal]:
        """Send a signal; repeated without a key, as the same signal counts once."""
        headers = {"Content-Type": "application/json"}
        path = f"{path_of(job)}/signals/{quote(name, safe='')}"
        request = Request("POST", path, {}, headers, ENCODER.encode(value))
        return cast("SentSignal", (yield from self.send(request)).parse())

    def retry(
        self, job: Record[R] | str, payload: Any, max_retries: int | None, key: str
    ) -> Steps[Record[R]]:
        """Rerun a failed or cancelled job."""
        changes = drop_unset({"payload": payload, "max_retries": max_retries})
        posted = yield from self.post(f"{path_of(job)}/retry", changes or None, key)
        return cast("Record[R]", posted)

    def change_all(
        self, change: str, wanted: JobFilter, *, dry_run: bool, key: str
    ) -> Steps[Record[Any] | DryRun]:
        """Cancel or rerun all jobs that match a filter, by a job; or count them."""
        body = {"filter": wanted, "dry_run": dry_run}
        return cast("Record[Any] | DryRun", (yield from self.post(f"/tasks/{change}", body, key)))

    def change_queue(self, name: str, change: str) -> Steps[Queue]:
        """Pause or resume a queue."""
        path = f"/queues/{quote(name, safe='')}/{change}"
        return cast("Queue", (yield from self.call("POST", path)))

    def list_kinds(self) -> Steps[list[Kind]]:
        """The typed kinds."""
        return cast("list[Kind]", (yield from self.get("/kinds"))["kinds"])

    def list_all(self, path: str, name: str) -> Steps[list[Any]]:
        """The list ``name`` in the answer of a path."""
        return cast("list[Any]", (yield from self.get(path))[name])


def path_of(job: Record[Any] | str) -> str:
    """The path of a job, by its id or its record."""
    return f"/tasks/{quote(job if isinstance(job, str) else job['id'], safe='')}"


def drop_unset(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def require_web_url(url: str) -> str:
    """The URL. Raises ``ValueError`` unless it is http(s):// with a host, without a login."""
    parts = urlsplit(url)
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not is_web or "@" in parts.netloc or parts.query or parts.fragment or " " in url:
        raise ValueError("the URL of the API is http://host or https://host, without a login")
    return url


def require_header_value(key: str) -> str:
    """The key. Raises ``ValueError``, which does not repeat it, when HTTP cannot have it."""
    if not key.isascii() or (key and not key.isprintable()) or " " in key:
        raise ValueError("an API key has ASCII characters without spaces")
    return key
