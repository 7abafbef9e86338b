"""Copies of results for the plain Celery clients of an app of the user's (``CONTINUO_APP``)."""

from typing import Any

from celery.utils.log import get_logger

log = get_logger(__name__)


def copy_result(
    task: Any, task_id: str, result: Any, state: str, traceback: str | None, request: Any
) -> None:
    """Store a result or a state also where plain Celery clients of the kind look for it.

    The record counts: a copy that cannot be stored does not fail the job.
    """
    copies = getattr(task, "result_copies", None)
    if copies is None or task.ignore_result or request.ignore_result:
        return
    try:
        copies.store_result(task_id, result, state, traceback=traceback, request=request)
    except Exception:
        log.exception("job %s: no copy of its result for Celery clients", task_id)
