"""Waits for a job: until it is final, or step by step with its events."""

from collections.abc import Generator
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any, NamedTuple

import msgspec

from project.cli.client import ApiAnswer, ApiClient, ApiRequest, build_path
from project.records.record import FINAL_STATUSES

MAX_WAIT_SECONDS = 25.0
"""The longest wait that the API allows in one request."""

EVENTS_SECONDS = 20.0
"""The longest time for which the API holds an answer with events."""

WAIT_PAUSE_SECONDS = 0.2
"""The pause before the next wait: the API answers at once when too many clients wait."""

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.05, 10.0


class JobEvent(NamedTuple):
    """A Server-Sent Event: its name ("" for a change), its id ("" for none) and its data."""

    name: str
    place: str
    data: dict[str, Any] | None


def wait_until_final(client: ApiClient, record: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The record when it is final, or after ``seconds``."""
    end = monotonic() + seconds
    while record["status"] not in FINAL_STATUSES and (left := end - monotonic()) > 0:
        record = client.get("/tasks", record["id"], wait=max(min(left, MAX_WAIT_SECONDS), 1.0))
        if record["status"] not in FINAL_STATUSES:
            sleep(WAIT_PAUSE_SECONDS)
    return record


def follow_job(
    client: ApiClient, job_id: str, seconds: float
) -> Generator[dict[str, Any], None, dict[str, Any]]:
    """Yield each change of a job. Returns the record when it is final, or after ``seconds``."""
    end, place = monotonic() + seconds, ""
    while monotonic() < end:
        answer = fetch_events(client, job_id, place)
        if answer.status == HTTPStatus.NO_CONTENT:
            break
        for event in parse_events(answer):
            place = event.place or place
            if event.data is not None:
                yield event.data
            if event.name == "end" and event.data is not None:
                return event.data
        sleep(parse_pause(answer))
    record: dict[str, Any] = client.get("/tasks", job_id)
    return record


def fetch_events(client: ApiClient, job_id: str, place: str) -> ApiAnswer:
    """Fetch the events after ``place``; the API waits for the next one."""
    headers = {"Last-Event-ID": place} if place else {}
    path = build_path(("/tasks", job_id, "events"))
    return client.send(ApiRequest("GET", path, None, headers, EVENTS_SECONDS))


def parse_events(answer: ApiAnswer) -> list[JobEvent]:
    """The events of an answer, in their order."""
    return [parse_event(block) for block in answer.content.decode().split("\n\n") if block]


def parse_event(block: str) -> JobEvent:
    """The event in the lines of a block."""
    lines = dict(line.partition(": ")[::2] for line in block.split("\n"))
    data = msgspec.json.decode(lines["data"]) if "data" in lines else None
    return JobEvent(lines.get("event", ""), lines.get("id", ""), data)


def parse_pause(answer: ApiAnswer) -> float:
    """The seconds after which the API wants to be asked again."""
    head, _, text = answer.content.decode().partition("\n")[0].partition(": ")
    asked = int(text) / 1_000 if head == "retry" and text.isdecimal() else 0.0
    return min(max(asked, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
