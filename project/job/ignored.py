"""The end of a job whose code raised ``Ignore``: Celery stores no result for it."""

from typing import Any

from celery.exceptions import Ignore
from kombu.utils.json import dumps as json_dumps

from project.records.record import Cause, TaskStatus
from project.store.commands import attempts


def end_without_result(app: Any, job_id: str, token: str, problem: Ignore) -> None:
    """End the record as cancelled if that was requested, else as failed.

    The store refuses when ``token`` no longer owns the job.
    """
    if app.store.run(attempts.is_cancel_requested(job_id)):
        app.store.run(attempts.end_cancelled(job_id, token=token))
        return
    error = f"{type(problem).__name__}: the job ended without a result"
    meta = {"exc_type": "Ignore", "exc_module": "celery.exceptions", "exc_message": [error]}
    command = attempts.fail(
        job_id,
        token=token,
        status=TaskStatus.FAILED,
        error=error,
        exception=json_dumps(meta),
        result_message=json_dumps({"task_id": job_id, "status": "FAILURE", "result": meta}),
        cause=Cause("Ignore", error, ""),
    )
    app.store.run(command)
