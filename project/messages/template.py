"""The message of a kind as a template: only what differs from call to call is filled in."""

import base64
import json
import re
from collections.abc import Sequence
from contextvars import Context
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

from kombu.utils.json import JSONEncoder

from project.messages.builder import MAX_ATTEMPTS_HEADER, CapturingProducer
from project.messages.trace_context import TRACE_HEADERS
from project.records.grouping import check_tags
from project.store.commands.message import Message


class TaskOptions(Protocol):
    """The parts of a Celery task that its messages depend on."""

    app: Any
    name: str
    ignore_result: bool

    @property
    def options(self) -> dict[str, Any]:
        """What the task itself says about its messages: queue, priority, time limits."""


class MessageTemplate:
    """The message of a kind with blanks for what differs from call to call.

    Made from one message that Celery built, so it says exactly what Celery would;
    filling it in costs a thirtieth of building another.
    """

    _BLANKS = ("blank-id", "blank-args", "blank-kwargs")
    _ATTEMPTS = 987_654_321
    _HEADERS = '"headers": {'
    _EMBED = ',{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'

    def __init__(self, task: TaskOptions) -> None:
        job_id, args, kwargs = self._BLANKS
        built = Context().run(self._build, task)
        wire = json.loads(built.text)
        body, tag = wire["body"], wire["properties"]["delivery_tag"]
        names = {
            job_id: "job_id",
            tag: "job_id",
            body: "body",
            args: "args",
            kwargs: "kwargs",
            str(self._ATTEMPTS): "max_retries",
        }
        blanks = "|".join(map(re.escape, names))
        text = re.sub(blanks, lambda found: f"%({names[found[0]]})s", built.text.replace("%", "%%"))
        self._text = text.replace(self._HEADERS, self._HEADERS + "%(trace)s", 1)
        self._queue = built.queue
        self._kind = built.kind

    def _build(self, task: TaskOptions) -> Message:
        """The message that Celery builds, in a context of its own: with nobody's trail."""
        job_id, args, kwargs = self._BLANKS
        envelope = CapturingProducer()
        task.app.send_task(
            task.name,
            task_id=job_id,
            argsrepr=args,
            kwargsrepr=kwargs,
            headers={MAX_ATTEMPTS_HEADER: self._ATTEMPTS},
            ignore_result=task.ignore_result,
            producer=envelope,
            task_type=task,
            **task.options,
        )
        return envelope.message

    def fill(
        self,
        args: Any,
        kwargs: Any,
        *,
        job_id: str,
        max_retries: int,
        due: float | None = None,
        tags: Sequence[str] = (),
    ) -> Message:
        """The message of one call."""
        args_text = encode(list(args)) if args else "[]"
        kwargs_text = encode(kwargs) if kwargs else "{}"
        payload = f"[{args_text},{kwargs_text}]"
        body = base64.b64encode((payload[:-1] + self._EMBED).encode()).decode()
        text = self._text % {
            "job_id": job_id,
            "body": body,
            "args": shorten_arguments(args_text),
            "kwargs": shorten_arguments(kwargs_text),
            "max_retries": max_retries,
            "trace": "".join(
                f'"{name}":{quoted(value)},' for name, value in TRACE_HEADERS.get().items()
            ),
        }
        checked = check_tags(tags) if tags else ()
        return Message(job_id, self._kind, self._queue, text, payload, max_retries, due, checked)


encode = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""JSON as Celery writes it (dates, UUIDs and decimals come back as what they were).

Raises ``ValueError`` for numbers that JSON does not have.
"""

HIDDEN_ARGUMENTS = "..."
"""What logs and Flower see of the arguments of a kind that hides them."""

MAX_SHOWN_CHARACTERS = 256
"""Characters of the arguments that logs and Flower see."""


def shorten_arguments(text: str) -> str:
    """Arguments for people, inside a JSON string."""
    return quoted(text[:MAX_SHOWN_CHARACTERS])[1:-1]
