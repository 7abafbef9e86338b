"""The filter of ``GET /tasks``, and of the routes that cancel or retry many jobs."""

from typing import Annotated

import msgspec

from project.messages.order_fields import Timestamp
from project.records.record import TaskStatus
from project.store.commands.queries import RecordFilter


class TaskFilter(msgspec.Struct, frozen=True):
    """Which jobs are meant. Times are seconds since 1970; ``error`` is a part of its text.

    ``scheduled``: whether the job waits for its ``due_at``. ``cause``: the fingerprint of
    its last failure, from ``GET /errors``.
    """

    status: TaskStatus | None = None
    kind: str = ""
    queue: str = ""
    tag: str = ""
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None
    error: Annotated[str, msgspec.Meta(max_length=200)] = ""
    scheduled: bool | None = None
    cause: Annotated[str, msgspec.Meta(max_length=20)] = ""

    def to_question(self) -> RecordFilter:
        """The same filter for the store."""
        return RecordFilter(
            kinds=[self.kind] if self.kind else [],
            queues=[self.queue] if self.queue else [],
            statuses=[self.status] if self.status else [],
            tags=[self.tag] if self.tag else [],
            created_after=self.created_after,
            created_before=self.created_before,
            error=self.error,
            scheduled=self.scheduled,
            cause=self.cause,
        )
