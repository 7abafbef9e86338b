"""A message as a pool process reads it: checked, and taken apart as Celery's consumer would."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from kombu.message import Message as KombuMessage

from project.messages.validation import CheckedMessage, check_message


class Received:
    """A message that can be run. ``serial`` names it among those that this worker holds."""

    def __init__(self, text: bytes, checked: CheckedMessage, serial: str) -> None:
        self.text = text
        self.serial = serial
        self.headers: dict[str, Any] = checked.message["headers"]
        self.job_id: str = self.headers["id"]
        self.kind: str = self.headers["task"]
        self._message = checked.message
        self._raw = checked.body
        self.args, self.kwargs, embedded = checked.content
        self.embedded: dict[str, Any] = embedded or {}

    @property
    def retries(self) -> int:
        """How many attempts failed before."""
        return self.headers.get("retries") or 0

    @property
    def is_conditional(self) -> bool:
        """Whether it may have expired, or been revoked by a stamp."""
        return bool(self.headers.get("expires") or self.headers.get("stamped_headers"))

    @property
    def due_at(self) -> float | None:
        """Its ETA in seconds since the epoch; None when it has none."""
        eta = self.headers.get("eta")
        if not eta:
            return None
        due = datetime.fromisoformat(eta)
        return (due if due.tzinfo else due.replace(tzinfo=UTC)).timestamp()

    @cached_property
    def request(self) -> dict[str, Any]:
        """The request of its task, as Celery's consumer makes it."""
        properties = self._message["properties"]
        delivery = properties["delivery_info"] | {
            "priority": properties.get("priority"),
            "redelivered": None,
        }
        return {
            **self.headers,
            **self.embedded,
            "args": self.args,
            "kwargs": self.kwargs,
            "is_eager": False,
            "properties": properties,
            "reply_to": properties.get("reply_to"),
            "correlation_id": properties.get("correlation_id"),
            "delivery_info": delivery,
            "delivery": self.serial,
        }

    def to_kombu(self) -> KombuMessage:
        """The message as Celery's ``Request`` takes it."""
        properties = self._message["properties"]
        return KombuMessage(
            body=self._raw,
            content_type=self._message["content-type"],
            content_encoding="utf-8",
            delivery_tag=self.serial,
            headers=self.headers,
            properties=properties,
            delivery_info=properties["delivery_info"],
        )


def parse_received(text: bytes, serial: str) -> Received | None:
    """A message from a queue; None when no worker can run it."""
    checked = check_message(text)
    return Received(text, checked, serial) if checked else None
