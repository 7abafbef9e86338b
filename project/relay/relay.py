"""``Relay``: takes rows of an outbox in batches, makes the jobs, then deletes the rows.

The id of a row is the id of its job. A relay that dies before its transaction commits leaves the
rows to the next one, which finds that these jobs exist: nothing is lost and nothing is doubled.
"""

import logging
from typing import Any

from project.errors import ContinuoError, DuplicateJob
from project.relay.orders import OutboxRow, RowOrder, build_order
from project.relay.outbox import Outbox
from project.store.client import Store
from project.store.commands import jobs
from project.store.commands.message import Message

log = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 1_000


class Relay:
    """Makes jobs of the rows of one outbox. ``max_bytes`` is the size limit of a payload."""

    def __init__(self, app: Any, store: Store, name: str, max_bytes: int) -> None:
        self.app = app
        self.store = store
        self.name = name
        self.max_bytes = max_bytes

    def relay(self, outbox: Outbox) -> bool:
        """Make the jobs of one batch. Returns whether there were rows.

        Raises ``StoreUnavailable`` and the errors of psycopg; the rows are still there then.
        """
        with outbox.take(self.max_bytes) as rows:
            if not rows:
                return False
            reasons = self.make_jobs(rows)
            if reasons:
                outbox.refuse(reasons)
            outbox.delete(rows)
        for row in rows:
            if row.seq in reasons:
                log.error("outbox %s: job %s is refused: %s", self.name, row.id, reasons[row.seq])
        return True

    def make_jobs(self, rows: list[OutboxRow]) -> dict[int, str]:
        """Make the jobs of rows, in their order. Returns why some are refused, by sequence."""
        reasons: dict[int, str] = {}
        batch: list[Message] = []
        for row in rows:
            try:
                order = build_order(self.app, row, self.name, self.max_bytes)
            except Exception as problem:  # noqa: BLE001 - the check of a kind raises what it likes
                reasons[row.seq] = describe(problem)
                continue
            if order.unique is None:
                batch.append(order.message)
                continue
            self.enqueue_all(batch)
            batch = []
            if not self.enqueue_unique(order):
                reasons[row.seq] = f"unique: another job has the key {order.unique.key!r}"
        self.enqueue_all(batch)
        return reasons

    def enqueue_all(self, messages: list[Message]) -> None:
        """Enqueue jobs in one step; those that exist stay as they are."""
        if messages:
            outcomes = self.store.run(jobs.enqueue_many(messages))
            self.app.publish_all(messages, outcomes)

    def enqueue_unique(self, order: RowOrder) -> bool:
        """Enqueue a job unless another has its unique key. False: that is not what it wants."""
        message, unique = order
        if unique is None:
            raise AssertionError
        try:
            result = self.store.run(jobs.enqueue_once(message, unique=unique.to_key()))
        except DuplicateJob:
            return True
        if result.how == "made":
            self.app.publish_all([message._replace(unique=unique.to_key())])
        return result.how == "made" or unique.on_conflict == "return" or result.holder == message.id


def describe(problem: Exception) -> str:
    """The reason for which a row is refused."""
    if isinstance(problem, ContinuoError):
        return str(problem)[:MAX_REASON_CHARACTERS]
    return f"{type(problem).__name__}: {problem}"[:MAX_REASON_CHARACTERS]
