"""The message of a job, and the arguments of the scripts that enqueue it."""

from math import isfinite
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from project.errors import InvalidField
from project.records.grouping import queue_of
from project.records.record import Origin, TaskRecord, TaskStatus
from project.records.unique import UniqueKey, build_unique_arguments
from project.store.commands.command import encode_json

ID_PLACEHOLDER = "@id@"
"""Stands for the id in the message of a callback, which gets its id when its job ends."""


class CanvasPart(NamedTuple):
    """The place of a job in a canvas of Celery, as far as its sender knows it.

    ``root``: the first job of the canvas, "" for that one itself. ``begins``: the name of the
    canvas that begins with the job, "" if none does. ``plan``: the jobs after it, as JSON.
    """

    root: str = ""
    begins: str = ""
    plan: str = ""


class Message(NamedTuple):
    """A Celery message ready to be put on a queue.

    ``queue`` is the Redis list, ``text`` the message as kombu writes it, ``payload`` the JSON of
    ``[args, kwargs]``, ``max_retries`` how many attempts the job gets. ``due`` is a moment in
    seconds since the epoch, ``delay`` the seconds from the moment at which Redis stores the job,
    whatever the clock of the sender says; both None mean at once. ``callback`` is the message of
    the job that reports how this job ended, with ``ID_PLACEHOLDER`` for its id. ``parent`` is the
    job that calls it, and ``parent_attempt`` the token of that job's attempt; both are "" outside
    of jobs. ``group`` is Celery's group, "" if it is in none. ``has_canvas``: errbacks, a chord or
    a chain follow. ``lane``: in which the job waits within its queue; "" is that of its tenant.
    ``unique``: the key that no other job of the kind may have, None for none. ``part``: its place
    in a canvas. ``schedule``: the schedule that fires it; ``trace``: the id of the trace that it
    belongs to; "" for none.
    """

    id: str
    kind: str
    queue: str
    text: str
    payload: str
    max_retries: int
    due: float | None = None
    tags: tuple[str, ...] = ()
    tenant: str = ""
    callback: "Message | None" = None
    parent: str = ""
    parent_attempt: str = ""
    group: str = ""
    has_canvas: bool = False
    delay: float | None = None
    lane: str = ""
    unique: UniqueKey | None = None
    part: CanvasPart = CanvasPart()
    schedule: str = ""
    trace: str = ""

    @property
    def is_delayed(self) -> bool:
        """Whether the job waits for its time."""
        is_debounced = self.unique is not None and self.unique.mode.startswith("debounce")
        return self.due is not None or self.delay is not None or is_debounced

    @property
    def queue_name(self) -> str:
        """The queue that the Redis list is a part of."""
        return replace_newlines(queue_of(self.queue))

    @property
    def origin(self) -> Origin:
        """Where the job comes from."""
        return Origin(schedule=self.schedule, trace=self.trace, job=self.parent)

    def owned_by(self, tenant: str) -> "Message":
        """The message of the same job, owned by a tenant."""
        callback = self.callback and self.callback.owned_by(tenant)
        return self._replace(tenant=tenant, callback=callback)


class JobArguments(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A job as the scripts take it, in JSON.

    ``list`` is the Redis list of its message, left out when that has the name of the queue.
    ``tags`` (a JSON array) and ``callback`` (a JSON object) are texts: the record keeps them as
    they are. A callback has its ``payload`` and ``message`` here; other jobs have them beside.
    """

    id: str = ""
    kind: str
    queue: str
    list: str = ""
    max_retries: int
    due: float | None = None
    delay: float | None = None
    tags: str = ""
    tenant: str = ""
    lane: str = ""
    callback: str = ""
    parent: str = ""
    parent_attempt: str = ""
    group: str = ""
    canvas: bool = False
    root: str = ""
    begins: str = ""
    plan: str = ""
    schedule: str = ""
    trace: str = ""
    payload: str = ""
    message: str = ""
    unique_key: str = ""
    unique_during: str = ""
    replaces: bool = False
    waits_for: float | None = None


def build_job_arguments(message: Message) -> JobArguments:
    """The job of a message. Raises ``InvalidField`` when its time is none."""
    for name, seconds in (("eta", message.due), ("countdown", message.delay)):
        if seconds is not None and not isfinite(seconds):
            raise InvalidField(name, f"{seconds} is no time")
    queue = message.queue_name
    return JobArguments(
        id=message.id,
        kind=replace_newlines(message.kind),
        queue=queue,
        list="" if message.queue == queue else message.queue,
        max_retries=message.max_retries,
        due=message.due,
        delay=message.delay,
        tags=encode_json(message.tags) if message.tags else "",
        tenant=message.tenant,
        lane=message.lane or message.tenant,
        callback=encode_callback(message.callback) if message.callback else "",
        parent=message.parent,
        parent_attempt=message.parent_attempt,
        group=message.group,
        canvas=message.has_canvas,
        schedule=message.schedule,
        trace=message.trace,
        **message.part._asdict(),
        **build_unique_arguments(message.unique)._asdict(),
    )


def encode_callback(message: Message) -> str:
    """The message of a callback as the record of its job keeps it: a JSON object."""
    callback = build_job_arguments(message)
    callback.id, callback.list = "", message.queue
    callback.payload, callback.message = message.payload, message.text
    return encode_json(callback)


def build_first_record(message: Message, created_at: float) -> TaskRecord:
    """The record of a job that was just enqueued."""
    return TaskRecord(
        id=message.id,
        kind=replace_newlines(message.kind),
        status=TaskStatus.PENDING,
        attempts=0,
        max_retries=message.max_retries,
        result=None,
        error="",
        created_at=created_at,
        updated_at=created_at,
        started_at=None,
        finished_at=None,
        due_at=message.due if message.delay is None else created_at + message.delay,
        queue=message.queue_name,
        tags=list(message.tags),
        errors=[],
        tenant=message.tenant or UNSET,
        lane=message.lane or message.tenant,
        origin=message.origin or UNSET,
    )


def replace_newlines(name: str) -> str:
    """A name on one line: plain Celery clients choose the kinds and queues of their messages."""
    return name.replace("\n", " ") if "\n" in name else name
