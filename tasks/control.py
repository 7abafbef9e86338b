"""The kinds ``cancel_jobs``, ``retry_jobs`` and ``retry_workflow``: cancel or rerun many jobs.

Send them to ``labels.CONTROL_QUEUE``. There they do not wait behind the jobs they cancel, and
they run while the queue of those jobs is paused.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import batched
from typing import Any

from project.celery import app
from project.errors import InvalidField, RerunRefused, StoreUnavailable
from project.records.record import RecordPage, TaskRecord, TaskStatus
from project.store.commands import attempts, queries, queues
from project.store.commands.attempts import CancelResult
from project.store.commands.queries import RecordFilter

log = logging.getLogger(__name__)

JOBS_PER_PAGE = 100
"""Jobs between two checkpoints."""

MESSAGES_PER_STEP = 250
"""Messages that one command looks at."""

CANCELLABLE_STATUSES = (
    TaskStatus.PENDING,
    TaskStatus.RUNNING,
    TaskStatus.RETRYING,
    TaskStatus.WAITING,
)
RETRYABLE_STATUSES = (TaskStatus.FAILED, TaskStatus.CANCELLED)

CONTROL_KINDS = ("cancel_jobs", "retry_jobs", "retry_workflow")
"""Never among what a filter finds: to rerun a mass cancel would cancel everything again."""

control_task = partial(
    app.retried_task,
    autoretry_for=(StoreUnavailable,),
    dont_autoretry_for=(InvalidField,),
    retry_jitter=False,
)


@control_task(name="cancel_jobs")
def cancel_jobs(self: Any, **filters: Any) -> dict[str, int]:
    """Cancel every job that matches; ``filters`` are fields of ``RecordFilter``.

    Only jobs created before this one count. Returns ``{"found": int, "changed": int}``, where
    ``changed`` counts the jobs that were cancelled or asked to stop. The messages of jobs that
    waited are removed from their queues.
    """
    queues_of_cancelled: set[str] = set()

    def cancel(record: TaskRecord) -> bool:
        queues_of_cancelled.add(record.queue)
        return cancel_job(record)

    result = apply_to_each(self, filters, cancel)
    for queue in queues_of_cancelled:
        drop_messages(queue)
    return result


@control_task(name="retry_jobs")
def retry_jobs(self: Any, **filters: Any) -> dict[str, int]:
    """Rerun every failed or cancelled job that matches once; ``filters`` as for ``cancel_jobs``.

    Returns ``{"found": int, "changed": int}``, where ``changed`` counts the jobs that run again.
    """
    return apply_to_each(self, filters, partial(rerun_job, rerun_id=self.request.id))


@control_task(name="retry_workflow")
def retry_workflow(self: Any, workflow_id: str) -> dict[str, int]:
    """Rerun the jobs of a workflow that was reopened.

    Returns ``{"found": int}``. After an interruption it goes on with those that do not run yet.
    """
    found = 0
    for job_ids in app.workflows.list_to_rerun(workflow_id):
        for page in batched(job_ids, JOBS_PER_PAGE):
            self.checkpoint()
            app.workflows.rerun(page)
            found += len(page)
            self.progress(found, None, "run again")
    return {"found": found}


def apply_to_each(
    job: Any, filters: dict[str, Any], action: Callable[[TaskRecord], bool]
) -> dict[str, int]:
    """Apply ``action`` to each matching job, newest first, and report progress.

    After an interruption the counts start at zero: jobs that have changed match no more.
    """
    found = changed = 0
    for page in fetch_pages(narrow_filter(job, RecordFilter(**filters))):
        job.checkpoint()
        if not found:
            total = page.total
        found += len(page.records)
        changed += sum(action(record) for record in page.records)
        job.progress(found, total, f"{changed} changed")
    return {"found": found, "changed": changed}


def narrow_filter(job: Any, record_filter: RecordFilter) -> RecordFilter:
    """Restrict the filter to jobs of the same tenant that are older than ``job``."""
    own = job.AsyncResult(job.request.id).record
    before = min(own.created_at, record_filter.created_before or own.created_at)
    statuses = [TaskStatus(status) for status in record_filter.statuses]
    tenant = own.tenant or record_filter.tenant
    return record_filter._replace(
        statuses=statuses,
        tenant=tenant,
        created_before=before,
        except_kinds=CONTROL_KINDS,
    )


def fetch_pages(record_filter: RecordFilter) -> Iterator[RecordPage]:
    """Yield all pages, each fetched when the caller is done with the one before."""
    cursor = None
    while True:
        command = queries.list_page(record_filter, limit=JOBS_PER_PAGE, cursor=cursor)
        page = app.store.run(command)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


def cancel_job(record: TaskRecord) -> bool:
    """Cancel one job; return whether it is cancelled or asked to stop."""
    result: CancelResult = app.store.run(attempts.cancel(record.id))
    return result in (CancelResult.CANCELLED, CancelResult.REQUESTED)


def drop_messages(queue: str) -> None:
    """Remove the messages of ended jobs from a queue."""
    for name in app.store.run(queues.list_lists(queue)):
        offset: int | None = 0
        while offset is not None:
            offset = app.store.run(queues.drop_finished(name, offset, MESSAGES_PER_STEP))


def rerun_job(record: TaskRecord, rerun_id: str) -> bool:
    """Rerun one job, once per ``rerun_id``; return whether it runs again.

    A job whose arguments do not fit its function any more is left as it is.
    """
    try:
        return record.kind in app.tasks and app.AsyncResult(record.id).rerun(rerun_id=rerun_id)
    except RerunRefused as problem:
        log.warning("job %s: not rerun, %s", record.id, problem)
        return False
