"""The message of a job, and what Redis is told of it."""

from math import isfinite
from typing import NamedTuple

from msgspec import UNSET

from project.errors import InvalidField
from project.records.labels import Label, queue_of, tenant_keys
from project.records.record import TaskRecord, TaskStatus
from project.store.commands.command import Argument


class Message(NamedTuple):
    """A Celery message ready to be put on a queue.

    ``queue`` is the Redis list, ``text`` the message as kombu writes it,
    ``payload`` the JSON of ``[args, kwargs]``, ``due`` seconds since the epoch
    or None for at once, ``max_retries`` the most attempts the job gets, ``index_keys``
    what it is filed under beside its kind and queue, ``callback`` the message of the job that
    reports its end, with ``ID_PLACEHOLDER`` for an id.
    """

    id: str
    kind: str
    queue: str
    text: str
    payload: str
    max_retries: int
    due: float | None = None
    index_keys: tuple[str, ...] = ()
    callback: "Message | None" = None

    @property
    def label(self) -> Label:
        """What the job is filed under."""
        return Label(self.kind, queue_of(self.queue), self.index_keys)

    def owned_by(self, tenant: str) -> "Message":
        """The message of the same job, which is a tenant's."""
        callback = self.callback and self.callback.owned_by(tenant)
        return self._replace(index_keys=(*tenant_keys(tenant), *self.index_keys), callback=callback)


def job_arguments(message: Message) -> tuple[Argument, ...]:
    """A job as it is told to the scripts that enqueue."""
    if message.due is not None and not isfinite(message.due):
        raise InvalidField("countdown", f"{message.due} is no time")
    due = "" if message.due is None else repr(message.due)
    if message.callback:
        due = f"{due}\n{format_callback(message.callback)}"
    about = (message.id, message.label.to_text(), message.max_retries, message.payload)
    return (*about, message.queue, message.text, due)


ID_PLACEHOLDER = "@id@"
"""The id of a message that is to get one when it is sent."""


def format_callback(message: Message) -> str:
    """A message that is to be sent later, as it is kept."""
    about = (message.queue, message.max_retries, message.payload, message.text)
    return "\n".join(map(str, (*about, message.label.to_text())))


def build_first_record(message: Message, created_at: float) -> TaskRecord:
    """The record of a job that was just enqueued."""
    label = message.label
    return TaskRecord(
        id=message.id,
        kind=label.kind,
        status=TaskStatus.PENDING,
        attempts=0,
        max_retries=message.max_retries,
        result=None,
        error="",
        created_at=created_at,
        updated_at=created_at,
        started_at=None,
        finished_at=None,
        queue=label.queue,
        tags=label.tags,
        errors=[],
        tenant=label.tenant or UNSET,
    )
