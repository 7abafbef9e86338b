"""Errbacks: the jobs that Celery calls when a job has failed.

A canvas may give several of its jobs the same errback, with one id. Ids are unique here, so the
first call gets that id, and each later one an id of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RENAMES: ContextVar[bool] = ContextVar("renames", default=False)
"""Whether ``Continuo.send_task`` gives a job another id when its id is taken."""


@contextmanager
def rename_duplicates() -> Iterator[None]:
    """Give the jobs that the block calls other ids when theirs are taken."""
    before = RENAMES.set(True)
    try:
        yield
    finally:
        RENAMES.reset(before)
