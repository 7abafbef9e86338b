"""What can be said about any job when it is ordered, and what becomes of an order sent twice."""

from collections.abc import Iterator
from hashlib import blake2b
from time import time
from typing import Annotated, Any, Literal

import msgspec

from api.http.problems import FieldError, Problem
from api.http.routing import Request
from project.errors import InvalidField
from project.records.labels import MAX_TAG_CHARACTERS, MAX_TAGS, tenant_keys
from project.settings.values import get_settings
from project.store.commands import jobs
from project.store.commands.jobs import EnqueueResult, IdempotentOrder

MAX_TIMESTAMP_SECONDS = 253_402_214_400
"""When the last day of the year 9999 begins, in seconds since 1970: dates go no further."""

type Seconds = Annotated[float, msgspec.Meta(ge=0, le=366 * 86_400)]
type Timestamp = Annotated[float, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_SECONDS)]
type Tag = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=MAX_TAG_CHARACTERS, extra_json_schema={"format": "line"}),
]
type Url = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri"})]
type UniqueKey = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_CHARACTERS = 255
MAX_KEPT_BYTES = 4_096
"""Characters of an order that are kept under its idempotency key; of a longer one a digest."""

REQUEST_HEADERS = {
    KEY_HEADER: "The same order under the same key is taken once; later ones are answered alike."
}
ANSWER_HEADERS = {
    "Location": "The record.",
    "Retry-After": "Seconds until to ask.",
    REPLAYED_HEADER: "true when this order had been taken before.",
}


class Unique(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only one job of its kind has this ``key``: while queued or unfinished, or so many seconds.

    On a conflict the other job is returned (200), or the order rejected (409).
    """

    key: UniqueKey
    during: Literal["unfinished", "queued"] | Seconds = "unfinished"
    on_conflict: Literal["return", "reject"] = "return"


class JobOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a job runs, in what order, who is told; the bodies of all kinds have these.

    ``delay`` in seconds or ``run_at`` in seconds since 1970; one that has not started within
    ``expires`` seconds fails; ``priority`` 0 runs first, 9 last. ``tags`` are names under which
    the job is found. ``callback_url`` is told when it is final.
    """

    delay: Seconds | None = None
    run_at: Timestamp | None = None
    expires: Seconds | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    unique: Unique | None = None
    tags: Annotated[list[Tag], msgspec.Meta(max_length=MAX_TAGS)] = []
    callback_url: Url | None = None

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """What JSON Schema is to say beside the fields: of two times there is at most one."""
        times = {"delay": {"type": "number"}, "run_at": {"type": "number"}}
        return [{"not": {"properties": times, "required": list(times)}}]

    def options(self) -> dict[str, Any]:
        """The same for ``apply_async``; nothing when nothing was said."""
        options: dict[str, Any] = {}
        if self.delay is not None:
            options["countdown"] = self.delay
        if self.run_at is not None:
            if self.delay is not None:
                raise InvalidField("run_at", "cannot be given together with delay")
            options["countdown"] = max(self.run_at - time(), 0.0)
        if self.expires is not None:
            options["expires"] = self.expires
        if self.priority:
            options["priority"] = self.priority
        if self.callback_url is not None:
            options["callback_url"] = self.callback_url
        if self.tags:
            options["tags"] = self.tags
        return options

    def unique_key(self, tenant: str = "") -> jobs.UniqueKey | None:
        """The key that only one job has, or one job of a tenant."""
        if self.unique is None:
            return None
        key = "\n".join([*tenant_keys(tenant), self.unique.key])
        return jobs.UniqueKey(key, self.unique.during)


def read_idempotency(request: Request, order: JobOrder, kind: str) -> IdempotentOrder | None:
    """What to know this order by when it comes again; None without the header."""
    header = request.find_header(KEY_HEADER)
    if header is None:
        return None
    scope = f"{kind}\n{request.caller}\n{parse_key(header)}"
    digest = blake2b(scope.encode(), digest_size=16).hexdigest()
    return IdempotentOrder(digest, format_canonical(order), get_settings().idempotency_seconds)


def build_rerun_id(request: Request) -> str:
    """A name for a wish that is the same when it is sent again under its key; else a new one."""
    header = request.find_header(KEY_HEADER)
    if header is None:
        return jobs.new_call_id()
    return blake2b(f"{request.caller}\n{parse_key(header)}".encode(), digest_size=16).hexdigest()


def parse_key(header: str) -> str:
    """The key, quoted (RFC 8941) or bare. Raises ``Problem`` 400."""
    is_quoted = len(header) > 1 and header[0] == header[-1] == '"'
    key = header[1:-1] if is_quoted else header
    if not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        detail = f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, quoted or not"
        raise Problem(
            400, f"{KEY_HEADER}: {detail}", errors=[FieldError(field=KEY_HEADER, detail=detail)]
        )
    return key


def format_canonical(order: JobOrder) -> str:
    """All that an order says; equal orders give equal texts."""
    text = msgspec.json.encode(order, order="deterministic")
    if len(text) <= MAX_KEPT_BYTES:
        return text.decode()
    return f"blake2b {blake2b(text, digest_size=16).hexdigest()}"


def require_same_order(once: EnqueueResult, said: IdempotentOrder) -> None:
    """Raise ``Problem`` 422 when the key came with another order before."""
    if once.said == said.text:
        return
    pointer = find_first_difference(once.said, said.text)
    detail = f"This {KEY_HEADER} came with another order before"
    where = f"; the first difference is at {pointer}" if pointer else ""
    fault = FieldError(pointer=pointer, detail="differs from the order that came first")
    raise Problem(422, detail + where, errors=[fault])


def find_first_difference(one: str, other: str) -> str:
    """Where two orders differ, as a JSON pointer; "" when that is not known any more."""
    try:
        pair = msgspec.json.decode(one), msgspec.json.decode(other)
    except msgspec.DecodeError:
        return ""
    return next(find_differences(*pair, ""), "")


def find_differences(one: Any, other: Any, at: str) -> Iterator[str]:
    """The pointers of all values in which two differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            step = name.replace("~", "~0").replace("/", "~1")
            yield from find_differences(one.get(name), other.get(name), f"{at}/{step}")
    elif one != other:
        yield at
