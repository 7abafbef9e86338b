"""How a caller waits for results."""

import time
from collections import deque
from typing import Any
from uuid import uuid4

from celery.backends.redis import ResultConsumer

SECONDS_TO_SUBSCRIBE = 5.0

MAX_EARLY_MESSAGES = 10_000
"""Beyond them the oldest are dropped: the records have what they said."""


class RecordConsumer(ResultConsumer):
    """Waits for results; after a reconnect it reads from the records what it missed."""

    subscribed_to: set[bytes]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._early: deque[Any] = deque(maxlen=MAX_EARLY_MESSAGES)

    def drain_events(self, timeout: float | None = None) -> None:
        """Tell of the messages that came before somebody listened, or wait for others."""
        if not self._early:
            super().drain_events(timeout)
        while self._early:
            message = self._early.popleft()
            self.on_state_change(self._decode_result(message["data"]), message)

    def on_wait_for_pending(self, result: Any, **options: Any) -> None:
        """Read the results that are there, once Redis knows who waits for the others.

        The subscription and the read take different connections. A job that ends between the two
        would be missed if the read came first.
        """
        with self._locked(), self.reconnect_on_error():
            self._await_subscriptions()
        super().on_wait_for_pending(result, **options)

    def _await_subscriptions(self) -> None:
        """Wait until Redis has answered all that was sent before; at most some seconds."""
        if not (self._pubsub and self._pubsub.subscribed):
            return
        token = uuid4().hex
        self._pubsub.ping(token)
        deadline = time.monotonic() + SECONDS_TO_SUBSCRIBE
        while (left := deadline - time.monotonic()) > 0:
            response = self._pubsub.parse_response(block=False, timeout=left)
            if response and _is_pong(response, token):
                return
            message = response and self._pubsub.handle_message(response)
            if message and message["type"] == "message":
                self._early.append(message)  # ``on_message`` of ``get`` is set after this

    def _reconnect_pubsub(self) -> None:
        with self._locked():
            kept, self.subscribed_to = (
                self.subscribed_to,
                set(),
            )  # else the parent looks for Celery's metas
            super()._reconnect_pubsub()
            self.subscribed_to = kept
            if kept:
                self._pubsub.subscribe(*kept)
                self._await_subscriptions()
            for meta in filter(None, self.backend.mget(sorted(kept))):
                self.on_state_change(self._decode_result(meta), None)


def _is_pong(response: Any, token: str) -> bool:
    """Whether a response answers ``PING token``; the first protocol of Redis puts it in a list."""
    content = response[-1] if isinstance(response, list) else response
    return bool(content in (token, token.encode()))
