"""The kinds ``cancel_jobs`` and ``retry_jobs``: to all jobs that a filter finds.

To be sent to ``labels.CONTROL_QUEUE``: there they are not behind the jobs that they are
to stop, and run while the queue of those is paused.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from project.celery import app
from project.errors import InvalidField, StoreUnavailable
from project.records.labels import owned_by
from project.records.record import MAX_BACKOFF, Page, TaskRecord, TaskStatus
from project.store.commands import attempts, queries
from project.store.commands.attempts import Cancel
from project.store.commands.queries import Question

STEP = 100
"""Jobs between two looks whether to stop."""

CAN_CANCEL = (TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.RETRYING)
CAN_RETRY = (TaskStatus.FAILED, TaskStatus.CANCELLED)

control = partial(
    app.task,
    bind=True,
    autoretry_for=(StoreUnavailable,),
    dont_autoretry_for=(InvalidField,),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=False,
)


@control(name="cancel_jobs")
def cancel_jobs(self: Any, **question: Any) -> dict[str, int]:
    """Cancel every job that a question finds, of those created before this one was.

    Returns ``{"found": int, "changed": int}``: jobs, and those that were stopped or told to stop.
    """
    return for_each(self, question, cancel)


@control(name="retry_jobs")
def retry_jobs(self: Any, **question: Any) -> dict[str, int]:
    """Run every failed or cancelled job again that a question finds, each once.

    Returns ``{"found": int, "changed": int}``.
    """
    return for_each(self, question, partial(run_again, call=self.request.id))


def for_each(
    job: Any, question: dict[str, Any], act: Callable[[TaskRecord], bool]
) -> dict[str, int]:
    """Act on each job, from the newest on, and say how far that is.

    When it is begun again after an interruption it counts anew: what is done is not found again.
    """
    found = changed = 0
    for page in pages(asked(job, question)):
        job.checkpoint()
        if not found:
            total = page.total
        found += len(page.records)
        changed += sum(act(record) for record in page.records)
        job.progress(found, total, f"{changed} changed")
    return {"found": found, "changed": changed}


def asked(job: Any, question: dict[str, Any]) -> Question:
    """The question, narrowed to jobs that were there when this one was ordered, by whom it was."""
    wanted = Question(**question)
    own = job.AsyncResult(job.request.id).record
    before = min(own.created_at, wanted.created_before or own.created_at)
    statuses = [TaskStatus(status) for status in wanted.statuses]
    facets = [*owned_by(own.tenant or ""), *wanted.facets]
    return wanted._replace(statuses=statuses, facets=facets, created_before=before)


def pages(question: Question) -> Iterator[Page]:
    """All pages: none is read before the last one is done with."""
    cursor = None
    while True:
        page = app.store.run(queries.page(question, limit=STEP, cursor=cursor))
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


def cancel(record: TaskRecord) -> bool:
    """Stop one job; whether it will."""
    answer: Cancel = app.store.run(attempts.cancel(record.id))
    return answer in (Cancel.CANCELLED, Cancel.REQUESTED)


def run_again(record: TaskRecord, call: str) -> bool:
    """Run one job again, once by this call; whether it will."""
    return record.kind in app.tasks and bool(app.AsyncResult(record.id).again(call=call))
