"""Messages as Celery and kombu write them on Redis, caught before they are sent.

Celery builds a message and hands it to a kombu producer. ``Envelope`` takes the
producer's place: routing, signals, canvas and stamps stay Celery's own, but what
would be pushed on a list by itself becomes a ``Message`` that a move can store
together with its record.
"""

import base64
import json
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kombu.serialization import dumps as serialize
from kombu.utils.json import JSONEncoder
from kombu.utils.json import dumps as json_dumps

from project.errors import ContinuoError
from project.labels import PRIORITY_SEPARATOR, tagged
from project.moves import Message
from project.records import DEFAULT_MAX_RETRIES
from project.trail import TRAIL, trail

if TYPE_CHECKING:
    from project.job import Job

PRIORITY_STEPS = (0, 3, 6, 9)
MAX_ATTEMPTS = "max_attempts"
"""The header that carries how many attempts a job gets, through retries too."""

REVIVAL = "revival"
"""The header of a job that is run again: a message without it is from before."""


CALLBACK = "callback"
"""The header that carries the message of a callback as far as the envelope, and not beyond."""


class Envelope:
    """A producer that keeps the one message it is given instead of sending it."""

    def __init__(self) -> None:
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """What was published."""
        if self._message is None:
            raise ContinuoError("nothing was published")
        return self._message

    @property
    def connection(self) -> "Envelope":
        """Where Celery looks for the means to translate connection errors."""
        return self

    @contextmanager
    def _reraise_as_library_errors(self) -> Iterator[None]:
        yield

    def publish(
        self,
        body: Any,
        *,
        exchange: str,
        routing_key: str,
        serializer: str,
        headers: dict[str, Any],
        priority: int | None = None,
        tags: Sequence[str] = (),
        **properties: Any,
    ) -> None:
        """Take the arguments of ``kombu.Producer.publish``."""
        if exchange:
            raise ContinuoError(f"jobs are sent to queues by name, not to exchange {exchange!r}")
        due, callback = due_time(headers), headers.pop(CALLBACK, None)
        headers = {**trail(), **headers}
        self._message = Message(
            id=headers["id"],
            kind=headers["task"],
            queue=list_key(routing_key, priority or 0),
            text=wire_text(body, routing_key, serializer, headers, priority or 0, properties),
            payload=json_dumps([body[0], body[1]]),
            max_retries=int(headers.get(MAX_ATTEMPTS, DEFAULT_MAX_RETRIES)),
            due=due,
            facets=tagged(tags),
            callback=callback,
        )


def due_time(headers: dict[str, Any]) -> float | None:
    """Take the ETA off the message: it waits in Redis, not in a worker's memory."""
    eta = headers.get("eta")
    if not eta:
        return None
    headers["eta"] = None
    return datetime.fromisoformat(eta).timestamp()


def list_key(queue: str, priority: int) -> str:
    """The Redis list of a queue and a priority (0 first, 9 last)."""
    step = PRIORITY_STEPS[max(bisect(PRIORITY_STEPS, priority) - 1, 0)]
    return f"{queue}{PRIORITY_SEPARATOR}{step}" if step else queue


def wire_text(
    body: Any,
    queue: str,
    serializer: str,
    headers: dict[str, Any],
    priority: int,
    properties: dict[str, Any],
) -> str:
    """The message as kombu's Redis transport writes it."""
    content_type, encoding, data = serialize(body, serializer)
    raw = data.encode() if isinstance(data, str) else data
    text: str = json_dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": encoding,
            "content-type": content_type,
            "headers": headers,
            "properties": {
                "correlation_id": properties.get("correlation_id"),
                "reply_to": properties.get("reply_to"),
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": priority,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )
    return text


class Form:
    """The message of a kind with blanks for what differs from call to call.

    Made from one message that Celery built, so it says exactly what Celery would;
    filling it in costs a thirtieth of building another.
    """

    _BLANKS = ("blank-id", "blank-args", "blank-kwargs")
    _ATTEMPTS = 987_654_321
    _HEADERS = '"headers": {'
    _EMBED = ',{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'

    def __init__(self, job: "Job") -> None:
        job_id, args, kwargs = self._BLANKS
        built = Context().run(self._build, job)
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
        self._text = text.replace(self._HEADERS, self._HEADERS + "%(trail)s", 1)
        self._queue = built.queue
        self._kind = built.kind

    def _build(self, job: "Job") -> Message:
        """The message that Celery builds, in a context of its own: with nobody's trail."""
        job_id, args, kwargs = self._BLANKS
        envelope = Envelope()
        job.app.send_task(
            job.name,
            task_id=job_id,
            argsrepr=args,
            kwargsrepr=kwargs,
            headers={MAX_ATTEMPTS: self._ATTEMPTS},
            ignore_result=job.ignore_result,
            producer=envelope,
            task_type=job,
            **job.options,
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
            "args": shown(args_text),
            "kwargs": shown(kwargs_text),
            "max_retries": max_retries,
            "trail": "".join(f'"{name}":{quoted(value)},' for name, value in TRAIL.get().items()),
        }
        facets = tagged(tags) if tags else ()
        return Message(job_id, self._kind, self._queue, text, payload, max_retries, due, facets)


encode = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""JSON as Celery writes it (dates, UUIDs and decimals come back as what they were).

Raises ``ValueError`` for numbers that JSON does not have.
"""

HIDDEN = "..."
"""What logs and Flower see of the arguments of a kind that hides them."""

SHOWN = 256
"""Characters of the arguments that logs and Flower see."""


def shown(text: str) -> str:
    """Arguments for people, inside a JSON string."""
    return quoted(text[:SHOWN])[1:-1]
