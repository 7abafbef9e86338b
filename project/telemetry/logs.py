"""Log lines: one JSON object per line, on stderr.

The API always writes JSON; workers and beat do when ``CONTINUO_LOG_FORMAT=json``. ``ts`` is in
seconds since 1970. A line written for an HTTP request has its ``request_id``. A line about an
attempt has the id of the ``job``, its ``kind`` and the number of the ``attempt``.
"""

import logging
from typing import Any

import msgspec
from celery import signals
from celery._state import get_current_task

from project.messages.trace_context import REQUEST_ID, get_trace_headers

encode = msgspec.json.Encoder().encode


class LogLine(msgspec.Struct, omit_defaults=True):
    """The fields of a line; a field with its default is left out."""

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
    """Formats a log record as a ``LogLine``; subclasses add fields with ``extra_fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """Encode the line, without the newline."""
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
        """Return fields of the line that come from the record; none here."""
        return {}


class WorkerFormatter(JsonFormatter):
    """Adds the process and, where there is one, the job of the line."""

    def extra_fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the attempt that runs in this process, or the job that Celery's line names."""
        process = {"process": record.process or 0}
        task = get_current_task()
        if task and task.request.id:
            attempt = task.request.retries + 1
            return process | {"job": task.request.id, "kind": task.name, "attempt": attempt}
        return process | job_fields_of(record)


def job_fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Read the job from the arguments of a log line of Celery; empty when it names none."""
    about = record.args
    if not isinstance(about, dict) or not isinstance(about.get("id"), str):
        return {}
    return {"job": about["id"], "kind": str(about.get("name", ""))}


def enable_json_logs() -> None:
    """Write JSON lines as soon as Celery sets up the logs of a worker or beat."""
    signals.after_setup_logger.connect(set_formatter)
    signals.after_setup_task_logger.connect(set_formatter)


def set_formatter(logger: logging.Logger, **_: Any) -> None:
    """Set the JSON formatter on the handlers of a logger."""
    for handler in logger.handlers:
        handler.setFormatter(WorkerFormatter())
