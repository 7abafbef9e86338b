"""Hears what a job logs: a handler of ``logging`` that knows the job of each line.

It hears what the level of the worker lets pass (``--loglevel``), and leaves out what Celery and the
platform log about jobs. What a job prints reaches ``logging`` by Celery's redirection of stdout;
it is kept for kinds with ``prints=True``.
"""

import logging
import traceback
from typing import Any

from celery import signals
from celery._state import get_current_task

from project.logs.masks import collect_pieces, mask_pieces, mask_secrets
from project.logs.sender import LogSender
from project.records.log_line import MAX_MESSAGE_CHARACTERS, JobLogLine, level_name
from project.store.commands.command import Command

REDIRECTED = "celery.redirected"
"""Celery's logger for what is printed."""

OTHERS = ("celery.", "project.", "kombu.", "amqp.", "redis.", "billiard.")
"""How the names of loggers begin that do not speak for a job."""

MASKED_PIECES = "masked_pieces"
"""The attribute of a request that keeps what is masked in the lines of its job."""


class JobLogHandler(logging.Handler):
    """Gives the lines of running jobs to a sender."""

    def __init__(self, sender: LogSender) -> None:
        super().__init__()
        self.sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        """Take the line, if it is that of a job."""
        task = get_current_task()
        if task is None:
            return
        request = task.request
        if request.called_directly or request.is_eager or not is_wanted(record.name, task):
            return
        try:
            self.sender.add(request.id, build_line(record, task, request))
        except Exception:  # noqa: BLE001 - as all handlers of logging do
            self.handleError(record)


def is_wanted(logger: str, task: Any) -> bool:
    """Whether lines of a logger go into the log of a job."""
    if logger == REDIRECTED:
        return bool(task.prints)
    return not logger.startswith(OTHERS)


def build_line(record: logging.LogRecord, task: Any, request: Any) -> JobLogLine:
    """The line of a record, with its secrets masked."""
    is_print = record.name == REDIRECTED
    message = record.getMessage()[:MAX_MESSAGE_CHARACTERS]
    if record.exc_info and record.exc_info[0]:
        trace = "".join(traceback.format_exception(*record.exc_info))
        message = f"{message}\n{trace[-MAX_MESSAGE_CHARACTERS:]}"
    return JobLogLine(
        record.created,
        request.retries + 1,
        "info" if is_print else level_name(record.levelno),
        "print" if is_print else record.name,
        mask(message, task, request).encode(errors="replace").decode(),
    )


def mask(message: str, task: Any, request: Any) -> str:
    """Mask secrets, and the arguments of a kind that hides them."""
    message = mask_secrets(message)
    if not task.hides_arguments:
        return message
    pieces = getattr(request, MASKED_PIECES, None)
    if pieces is None:
        pieces = collect_pieces([request.args, request.kwargs])
        setattr(request, MASKED_PIECES, pieces)
    return mask_pieces(message, pieces)


def keep_job_logs(app: Any) -> LogSender:
    """Keep the logs of jobs in the workers of an app, as soon as Celery sets up logging there."""

    def run(command: Command[int]) -> int:
        count: int = app.store.run(command)
        return count

    sender = LogSender(run)
    handler = JobLogHandler(sender)

    def attach(logger: logging.Logger, **_: Any) -> None:
        if handler not in logger.handlers:
            logger.addHandler(handler)

    def send_rest(**_: Any) -> None:
        sender.flush()

    for signal in (signals.after_setup_logger, signals.after_setup_task_logger):
        signal.connect(attach, weak=False)
    for signal in (signals.worker_process_shutdown, signals.worker_shutdown):
        signal.connect(send_rest, weak=False)
    return sender
