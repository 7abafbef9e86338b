"""The end of a job whose code raised ``Ignore``: Celery stores no result for it."""

from typing import Any

from celery.exceptions import Ignore, Reject
from kombu.utils.json import dumps as json_dumps

from project.records.record import Cause, TaskStatus
from project.store.commands import attempts, queries


def end_without_result(app: Any, job_id: str, token: str, problem: Ignore | Reject) -> None:
    """End the record as cancelled if that was requested, else as failed.

    A job that has chosen its state itself succeeds, and keeps that state.

    The store refuses when ``token`` no longer owns the job.
    """
    if app.store.run(attempts.is_cancel_requested(job_id)):
        app.store.run(attempts.end_cancelled(job_id, token=token))
        return
    outcome = app.store.run(queries.read_outcome(job_id))
    if outcome and outcome.own_state:
        end_with_own_state(app, job_id, token, outcome.own_state)
        return
    name = type(problem).__name__
    error = f"{name}: the job ended without a result"
    message = list(problem.args) if isinstance(problem, Reject) else [error]
    meta = {"exc_type": name, "exc_module": "celery.exceptions", "exc_message": message}
    command = attempts.fail(
        job_id,
        token=token,
        status=TaskStatus.FAILED,
        error=error,
        exception=json_dumps(meta),
        result_message=json_dumps({"task_id": job_id, "status": "FAILURE", "result": meta}),
        cause=Cause(name, error, ""),
    )
    app.store.run(command)


def end_with_own_state(app: Any, job_id: str, token: str, own: dict[str, Any]) -> None:
    """End a job that chose its state itself: the record succeeds, Celery's state stays."""
    state, meta = own["state"], own["meta"]
    news = json_dumps({"task_id": job_id, "status": state, "result": meta, "traceback": None})
    last = json_dumps({"state": state, "meta": meta, "is_last": True})
    app.store.run(attempts.set_state(job_id, token=token, state=last, result_message=news))
    result = json_dumps(meta)
    app.store.run(attempts.succeed(job_id, token=token, result=result, result_message=news))
