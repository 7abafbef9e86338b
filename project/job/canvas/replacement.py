"""``Task.replace``: another job, or a canvas, ends a job under the same id.

Celery sends the replacement under the id of the job that still runs. Here its messages are
collected, and one script (``attempts/replace``) ends the attempt and enqueues them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from project.store.commands.message import Message

REPLACEMENT: ContextVar[list[Message] | None] = ContextVar("replacement", default=None)
"""Collects the messages that ``Continuo.enqueue`` gets; None outside of a replacement."""


@contextmanager
def collect_messages() -> Iterator[list[Message]]:
    """Collect the messages of the block instead of enqueueing them."""
    messages: list[Message] = []
    before = REPLACEMENT.set(messages)
    try:
        yield messages
    finally:
        REPLACEMENT.reset(before)
