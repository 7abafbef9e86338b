"""What follows a job that a script ended: cancelled while it waited, or failed by its third death.

Celery calls errbacks, fails the body of a chord and the tail of a chain, and sends signals, in the
process that ran the job. No process ran the end of such a job; the next that takes its message
does this. It may happen twice when that process dies in the middle.
"""

from typing import Any

from celery import signals
from celery.app.task import Context

from project.records.record import CELERY_STATE, TaskStatus
from project.store.commands import attempts, queries


def run_aftermath(app: Any, request: Context) -> None:
    """Do what is left to do for the job of a message, once its record has ended."""
    outcome = app.store.run(queries.read_outcome(request.id))
    if outcome and outcome.record.status in (TaskStatus.FAILED, TaskStatus.CANCELLED):
        problem = app.backend.exception_to_python(outcome.exception)
        state = CELERY_STATE[outcome.record.status]
        app.backend.fail_canvas(request, problem, state, outcome.record.error)
        send_signal(app.tasks.get(request.task), request, problem, outcome.record.status)
    app.store.run(attempts.settle(request.id))


def send_signal(task: Any, request: Context, problem: Any, status: TaskStatus) -> None:
    """Send ``task_failure`` or ``task_revoked``."""
    if status is TaskStatus.CANCELLED:
        signals.task_revoked.send(
            sender=task, request=request, terminated=False, signum=None, expired=False
        )
        return
    signals.task_failure.send(
        sender=task,
        task_id=request.id,
        exception=problem,
        args=request.args,
        kwargs=request.kwargs,
        traceback=None,
        einfo=None,
    )
