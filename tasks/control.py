"""The kinds ``cancel_jobs`` and ``retry_jobs``: to all jobs that a filter finds.

To be sent to ``labels.CONTROL_QUEUE``: there they are not behind the jobs that they are
to stop, and run while the queue of those is paused.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from project.celery import app
from project.errors import InvalidField, StoreUnavailable
from project.records.labels import tenant_keys
from project.records.record import MAX_BACKOFF_SECONDS, RecordPage, TaskRecord, TaskStatus
from project.store.commands import attempts, queries
from project.store.commands.attempts import CancelResult
from project.store.commands.queries import RecordFilter

JOBS_PER_PAGE = 100
"""Jobs between two looks whether to stop."""

CANCELLABLE_STATUSES = (TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.RETRYING)
RETRYABLE_STATUSES = (TaskStatus.FAILED, TaskStatus.CANCELLED)

control_task = partial(
    app.task,
    bind=True,
    autoretry_for=(StoreUnavailable,),
    dont_autoretry_for=(InvalidField,),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF_SECONDS,
    retry_jitter=False,
)


@control_task(name="cancel_jobs")
def cancel_jobs(self: Any, **question: Any) -> dict[str, int]:
    """Cancel every job that a question finds, of those created before this one was.

    Returns ``{"found": int, "changed": int}``: jobs, and those that were stopped or told to stop.
    """
    return apply_to_each(self, question, cancel_job)


@control_task(name="retry_jobs")
def retry_jobs(self: Any, **question: Any) -> dict[str, int]:
    """Run every failed or cancelled job again that a question finds, each once.

    Returns ``{"found": int, "changed": int}``.
    """
    return apply_to_each(self, question, partial(rerun_job, rerun_id=self.request.id))


def apply_to_each(
    job: Any, question: dict[str, Any], act: Callable[[TaskRecord], bool]
) -> dict[str, int]:
    """Act on each job, from the newest on, and say how far that is.

    When it is begun again after an interruption it counts anew: what is done is not found again.
    """
    found = changed = 0
    for page in fetch_pages(narrow_question(job, question)):
        job.checkpoint()
        if not found:
            total = page.total
        found += len(page.records)
        changed += sum(act(record) for record in page.records)
        job.progress(found, total, f"{changed} changed")
    return {"found": found, "changed": changed}


def narrow_question(job: Any, question: dict[str, Any]) -> RecordFilter:
    """The question, narrowed to jobs that were there when this one was ordered, by whom it was."""
    wanted = RecordFilter(**question)
    own = job.AsyncResult(job.request.id).record
    before = min(own.created_at, wanted.created_before or own.created_at)
    statuses = [TaskStatus(status) for status in wanted.statuses]
    index_keys = [*tenant_keys(own.tenant or ""), *wanted.index_keys]
    return wanted._replace(statuses=statuses, index_keys=index_keys, created_before=before)


def fetch_pages(question: RecordFilter) -> Iterator[RecordPage]:
    """All pages: none is read before the last one is done with."""
    cursor = None
    while True:
        page = app.store.run(queries.list_page(question, limit=JOBS_PER_PAGE, cursor=cursor))
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


def cancel_job(record: TaskRecord) -> bool:
    """Stop one job; whether it will."""
    answer: CancelResult = app.store.run(attempts.cancel(record.id))
    return answer in (CancelResult.CANCELLED, CancelResult.REQUESTED)


def rerun_job(record: TaskRecord, rerun_id: str) -> bool:
    """Run one job again, once for each ``rerun_id``; whether it will."""
    return record.kind in app.tasks and bool(app.AsyncResult(record.id).rerun(rerun_id=rerun_id))
