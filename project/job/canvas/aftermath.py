"""What follows a job whose process could not see to it.

Celery tells the chord of a job, fails the rest of its chain, calls errbacks and sends signals in
the process that ran the job. A script may end the job without one: it was cancelled, or failed by
its third death. Or the process dies before it is done with this. The next process that takes the
message does it then; a part of it may happen twice.
"""

from typing import Any

from celery import signals
from celery.app.task import Context

from project.job.canvas.embedded import encode_canvas
from project.records.record import CELERY_STATE, TaskStatus
from project.store.commands import attempts, queries


def run_aftermath(app: Any, request: Context) -> None:
    """Do what is left to do for the job of a message, once its record has ended."""
    outcome = app.store.run(queries.read_outcome(request.id))
    record = outcome and outcome.record
    if record and record.status is TaskStatus.SUCCESS and request.chord:
        app.backend.on_chord_part_return(request, CELERY_STATE[record.status], record.result)
    if record and record.status in (TaskStatus.FAILED, TaskStatus.CANCELLED):
        problem = app.backend.exception_to_python(outcome.exception)
        app.backend.fail_canvas(request, problem, CELERY_STATE[record.status], record.error)
        was_running = record.started_at is not None
        send_signal(app.tasks.get(request.task), request, problem, record.status, was_running)
    app.store.run(attempts.settle(request.id, canvas=encode_canvas(request)))


def send_signal(
    task: Any, request: Context, problem: Any, status: TaskStatus, was_running: bool
) -> None:
    """Send ``task_failure`` or ``task_revoked``."""
    if status is TaskStatus.CANCELLED:
        signals.task_revoked.send(
            sender=task, request=request, terminated=was_running, signum=None, expired=False
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
