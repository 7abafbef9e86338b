"""Log lines: one JSON object per line, on stderr.

The API always writes them, workers and beat when ``CONTINUO_LOG_FORMAT`` says so. ``ts`` is
in seconds since the epoch. A line written on behalf of a request carries its
``request_id``, one about an attempt of a job the ``job``, its ``kind`` and the number of the
``attempt``.
"""

import logging
from typing import Any

import msgspec
from celery import signals
from celery._state import get_current_task

from project.messages.trace_context import REQUEST_ID, get_trace_headers

encode = msgspec.json.Encoder().encode


class LogLine(msgspec.Struct, omit_defaults=True):
    """What any part of the program has to say."""

    ts: float
    level: str
    logger: str
    message: str
    process: int = 0
    job: str = ""
    kind: str = ""
    attempt: int = 0
    request_id: str = ""
    traceback: str = ""


class JsonFormatter(logging.Formatter):
    """A log record as a ``LogLine``; ``about`` is what else it says, from the record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without the newline."""
        line = LogLine(
            ts=round(record.created, 3),
            level=record.levelname.lower(),
            logger=record.name,
            message=record.getMessage(),
            request_id=get_trace_headers().get(REQUEST_ID, ""),
            traceback=self.formatException(record.exc_info) if record.exc_info else "",
            **self.extra_fields(record),
        )
        return encode(line).decode()

    def extra_fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Nothing more."""
        return {}


class WorkerFormatter(JsonFormatter):
    """The same of a worker: the process, and the job it is about."""

    def extra_fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The attempt that runs here, or the job that Celery tells of."""
        process = {"process": record.process or 0}
        task = get_current_task()
        if task and task.request.id:
            attempt = task.request.retries + 1
            return process | {"job": task.request.id, "kind": task.name, "attempt": attempt}
        return process | job_fields_of(record)


def job_fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The job that a line of Celery's names in its arguments."""
    told = record.args
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return {}
    return {"job": told["id"], "kind": str(told.get("name", ""))}


def enable_json_logs() -> None:
    """Let workers and beat of this process write JSON lines, whenever Celery sets up their logs."""
    signals.after_setup_logger.connect(set_formatter)
    signals.after_setup_task_logger.connect(set_formatter)


def set_formatter(logger: logging.Logger, **_: Any) -> None:
    """Let a logger of Celery's write JSON lines."""
    for handler in logger.handlers:
        handler.setFormatter(WorkerFormatter())
