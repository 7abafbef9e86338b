"""What a browser's EventSource does, for tests without one."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import httpx2

MAX_SECONDS = 30.0


class ReceivedEvent(NamedTuple):
    """An event as a page gets it; ``name`` is "message" when it has none."""

    id: str
    name: str
    data: Any


class EventSource:
    """Asks again and again with the id it had last, until it is told to stop or the time is up."""

    def __init__(self, url: str, last_id: str = "", **headers: str) -> None:
        self.url = url
        self.last_id = last_id
        self.headers = headers
        self.retry = 3.0
        self.answers: list[httpx2.Response] = []

    def events(self, seconds: float = MAX_SECONDS) -> Iterator[ReceivedEvent]:
        """What it hears."""
        end = time.monotonic() + seconds
        with httpx2.Client(timeout=seconds, trust_env=False) as client:
            while time.monotonic() < end:
                with suppress(httpx2.TransportError):
                    if (answer := self.ask(client)).status_code != 200:
                        return
                    yield from self.read(answer.text)
                time.sleep(self.retry)  # as it was told, or as browsers do

    def ask(self, client: httpx2.Client) -> httpx2.Response:
        """One answer."""
        known = {"Last-Event-ID": self.last_id} if self.last_id else {}
        answer = client.get(self.url, headers=self.headers | known)
        self.answers.append(answer)
        return answer

    def read(self, text: str) -> Iterator[ReceivedEvent]:
        """The events in an answer (HTML, section 9.2.6)."""
        for block in text.split("\n\n"):
            pairs = (line.partition(": ") for line in block.splitlines())
            field = {name: value for name, _, value in pairs}
            self.last_id = field.get("id", self.last_id)
            self.retry = int(field.get("retry", self.retry * 1000)) / 1000
            if "data" in field:
                name = field.get("event", "message")
                yield ReceivedEvent(self.last_id, name, json.loads(field["data"]))
