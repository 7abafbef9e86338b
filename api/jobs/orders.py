"""Orders: what the body of an order may say, and the route handler that enqueues it.

``order_job`` is the handler of ``POST /reports`` and of every other route that takes an order.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from api.http.offload import run_apart
from api.http.problems import FieldError, Problem
from api.http.routing import Answer, Request
from api.jobs import waiting
from api.jobs.quotas import note_orders, require_quota, require_small_order
from project.celery import app
from project.job.task import Job
from project.messages.order_fields import OrderFields
from project.records.record import TaskRecord
from project.records.unique import UniqueKey
from project.settings.values import get_settings
from project.store.commands.command import new_call_id
from project.store.commands.jobs import IdempotentOrder

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_CHARACTERS = 255
MAX_KEPT_BYTES = 4_096
"""Bytes of an order that are stored under its idempotency key; of a longer one a digest."""

POLL_SECONDS = 3
"""Seconds in ``Retry-After``: the interval at which a client should ask for a pending job."""

REQUEST_HEADERS = {
    KEY_HEADER: "The same order under the same key is taken once; later ones are answered alike."
}
REPLAYED = {REPLAYED_HEADER: "true when this order had been taken before."}
ANSWER_HEADERS = {
    "Location": "The record.",
    "Retry-After": "Seconds until to ask.",
    **REPLAYED,
}


class JobOrder(OrderFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a job runs, in what order, who is told; the bodies of all kinds have these.

    ``delay`` in seconds or ``run_at`` in seconds since 1970; one that has not started within
    ``expires`` seconds fails; ``priority`` 0 runs first, 9 last. ``lane``: where it waits
    within its queue, by default in that of its tenant; lanes take turns. ``tags`` are names under
    which the job is found. ``callback_url`` is told when it is final.
    """


class JobKind(NamedTuple):
    """A kind of job that can be ordered over HTTP.

    ``path`` is the URL path of its records, ``body`` the type of the request body; the attribute
    ``example`` of that type is the example at ``/docs``, by default its required fields.
    ``build_options`` checks a body and returns the options of ``apply_async`` for it; it raises
    ``InvalidField``. ``summary`` says in one line what an order does.
    """

    task: Job
    path: str
    body: type[JobOrder]
    build_options: Callable[[Any], dict[str, Any]]
    summary: str = ""


async def order_job(
    kind: JobKind, request: Request, body: JobOrder, *, counts: bool = True
) -> Answer:
    """Enqueue the job that a request orders and answer 202 with its record; 200 when it has ended.

    ``counts``: whether the quota of the caller has to allow it.

    An order that repeats an idempotency key gets the first answer again. An order whose unique key
    belongs to another job gets 200 with that job, or ``Problem`` 409.
    """
    said = await run_apart(
        read_idempotency, request, body, kind.task.name, is_large=request.has_large_body
    )
    built = await run_apart(kind.build_options, body, is_large=request.has_large_body)
    unique = find_unique(kind, request, body, built)
    if counts:
        require_small_order(request, body)
        await require_quota(request, 1)
    options = {**built, **body.options(), "tenant": request.tenant}
    if said is None and unique is None:
        record = await kind.task.aapply_async(**options)
        await note_orders(request, [record.id] if counts else [])
        return await answer_order(record, kind.path, request)
    enqueued = await kind.task.aapply_async_once(**options, said=said, unique=unique)
    if enqueued.record is None:
        return await answer_duplicate(enqueued.holder, body, kind.path)
    if enqueued.how == "made":
        await note_orders(request, [enqueued.record.id] if counts else [])
        return await answer_order(enqueued.record, kind.path, request)
    if said:
        require_same_order(enqueued.order, said)
    answer = await answer_order(enqueued.record, kind.path, request)
    answer.headers[REPLAYED_HEADER] = "true"
    return answer


def find_unique(
    kind: JobKind, request: Request, order: JobOrder, built: dict[str, Any]
) -> UniqueKey | None:
    """The unique key of an order, or that of its kind. Raises ``InvalidField``."""
    own = order.unique_key(request.tenant)
    if own or kind.task.unique is None:
        return own
    found: UniqueKey | None = kind.task.find_unique(
        built.get("args"), built.get("kwargs"), request.tenant
    )
    return found


async def answer_order(record: TaskRecord, path: str, request: Request) -> Answer:
    """202 with the record of an enqueued job, after the wait that the client prefers.

    200 when the wait saw the end of the job.
    """
    headers = {"Location": f"{path}/{record.id}"}
    if request.get_header(waiting.PREFER_HEADER):
        record, waited = await waiting.wait_until_final(record, request)
        headers |= waited
        if waited and record.is_final:
            return Answer(record, 200, headers)
    return Answer(record, 202, headers | {"Retry-After": str(POLL_SECONDS)})


async def answer_duplicate(holder: str, order: JobOrder, path: str) -> Answer:
    """200 with the job that has the unique key; ``Problem`` 409 when the order says ``reject``."""
    record: TaskRecord | None = await app.AsyncResult(holder).afetch()
    if record is None or (order.unique and order.unique.on_conflict == "reject"):
        raise Problem(409, "Another job has this unique key", members={"task_id": holder})
    return Answer(record, 200, {"Location": f"{path}/{holder}"})


def read_idempotency(request: Request, order: msgspec.Struct, kind: str) -> IdempotentOrder | None:
    """The idempotency key of a request with the text of its order; None without the header.

    Raises ``Problem`` 400 for a key that is not valid.
    """
    header = request.get_header(KEY_HEADER)
    if header is None:
        return None
    scope = f"{kind}\n{request.caller}\n{parse_key(header)}"
    digest = blake2b(scope.encode(), digest_size=16).hexdigest()
    return IdempotentOrder(digest, format_canonical(order), get_settings().idempotency_seconds)


def build_rerun_id(request: Request) -> str:
    """The rerun id of a request: the same for the same idempotency key, else a new one.

    Raises ``Problem`` 400 for a key that is not valid.
    """
    header = request.get_header(KEY_HEADER)
    if header is None:
        return new_call_id()
    return blake2b(f"{request.caller}\n{parse_key(header)}".encode(), digest_size=16).hexdigest()


def parse_key(header: str) -> str:
    """The idempotency key in a header, quoted (RFC 8941) or bare. Raises ``Problem`` 400."""
    is_quoted = len(header) > 1 and header[0] == header[-1] == '"'
    key = header[1:-1] if is_quoted else header
    is_valid = 0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()
    if not is_valid or header == '"':
        detail = f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, quoted or not"
        raise Problem(
            400, f"{KEY_HEADER}: {detail}", errors=[FieldError(field=KEY_HEADER, detail=detail)]
        )
    return key


def format_canonical(order: msgspec.Struct) -> str:
    """Format an order so that equal orders give equal texts."""
    text = msgspec.json.encode(order, order="deterministic")
    if len(text) <= MAX_KEPT_BYTES:
        return text.decode()
    return f"blake2b {blake2b(text, digest_size=16).hexdigest()}"


def require_same_order(before: str, said: IdempotentOrder | None) -> None:
    """Raise ``Problem`` 422 when the idempotency key was used with another order before."""
    if said is None or before == said.text:
        return
    pointer = find_first_difference(before, said.text)
    detail = f"This {KEY_HEADER} came with another order before"
    where = f"; the first difference is at {pointer}" if pointer else ""
    fault = FieldError(pointer=pointer, detail="differs from the order that came first")
    raise Problem(422, detail + where, errors=[fault])


def find_first_difference(one: str, other: str) -> str:
    """The JSON pointer of the first difference of two orders; "" when only a digest is stored."""
    try:
        pair = msgspec.json.decode(one), msgspec.json.decode(other)
    except msgspec.DecodeError:
        return ""
    return next(find_differences(*pair, ""), "")


def find_differences(one: Any, other: Any, at: str) -> Iterator[str]:
    """Generate the JSON pointers of all differences of two values; ``at`` points to both."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            step = name.replace("~", "~0").replace("/", "~1")
            yield from find_differences(one.get(name), other.get(name), f"{at}/{step}")
    elif one != other:
        yield at
