"""A client of server-sent events that behaves like a browser's EventSource."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import httpx2

MAX_SECONDS = 30.0


class ReceivedEvent(NamedTuple):
    """One event; ``name`` is "message" when the server sent none."""

    id: str
    name: str
    data: Any


class EventSource:
    """Reconnects with the last event id until the server refuses or the time is up."""

    def __init__(self, url: str, last_id: str = "", **headers: str) -> None:
        self.url = url
        self.last_id = last_id
        self.headers = headers
        self.retry = 3.0
        self.answers: list[httpx2.Response] = []

    def events(self, seconds: float = MAX_SECONDS) -> Iterator[ReceivedEvent]:
        """Yield the events of all answers, for at most ``seconds``."""
        end = time.monotonic() + seconds
        with httpx2.Client(timeout=seconds, trust_env=False) as client:
            while time.monotonic() < end:
                with suppress(httpx2.TransportError):
                    if (answer := self.ask(client)).status_code != 200:
                        return
                    yield from self.read(answer.text)
                time.sleep(self.retry)  # the pause that the server asked for, else a browser's

    def ask(self, client: httpx2.Client) -> httpx2.Response:
        """Send one request and keep the answer."""
        known = {"Last-Event-ID": self.last_id} if self.last_id else {}
        answer = client.get(self.url, headers=self.headers | known)
        self.answers.append(answer)
        return answer

    def read(self, text: str) -> Iterator[ReceivedEvent]:
        """Parse the events of an answer (HTML standard, section 9.2.6)."""
        for block in text.split("\n\n"):
            pairs = (line.partition(": ") for line in block.splitlines())
            field = {name: value for name, _, value in pairs}
            self.last_id = field.get("id", self.last_id)
            self.retry = int(field.get("retry", self.retry * 1000)) / 1000
            if "data" in field:
                name = field.get("event", "message")
                yield ReceivedEvent(self.last_id, name, json.loads(field["data"]))
