"""What is read piece by piece: the pages of a list, and the events of jobs."""

from collections.abc import Mapping
from http import HTTPStatus
from json import dumps
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from continuo_client.calls import Calls, drop_unset
from continuo_client.events import Event, parse_events
from continuo_client.records import EndedJob, Record
from continuo_client.requests import Request, Steps

T = TypeVar("T")

EVENTS_SECONDS = 20.0
"""The longest time for which the API holds an answer with events."""


class Feed(Protocol[T]):
    """Gives items until ``is_over``."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to read."""
        ...

    def read(self) -> Steps[list[T]]:
        """The next items."""
        ...


class Pages(Generic[T]):
    """The items of a list, newest first. ``name``: the field of an answer that has the items.

    ``place``: the parameter that asks for a page. The field ``next_place`` names the next page.
    """

    def __init__(
        self,
        calls: Calls,
        path: str,
        name: str,
        query: Mapping[str, Any],
        *,
        place: str = "cursor",
    ) -> None:
        self.is_over = False
        self._calls = calls
        self._path = path
        self._name = name
        self._query = dict(query)
        self._place = place

    def read(self) -> Steps[list[T]]:
        """The items of the next page."""
        page = yield from self._calls.get(self._path, **self._query)
        following = page[f"next_{self._place}"]
        self._query[self._place] = following
        self.is_over = following is None
        items: list[T] = page[self._name]
        return items


def list_jobs(calls: Calls, wanted: Mapping[str, Any], page_size: int) -> Pages[Record[Any]]:
    """The records that match."""
    return Pages(calls, "/tasks", "tasks", {**wanted, "limit": page_size})


def search_history(
    calls: Calls, values: Mapping[str, Any], wanted: Mapping[str, Any], page_size: int
) -> Pages[EndedJob]:
    """The ended jobs that match, with a text, a number or a truth value at each path."""
    texts = {
        path: value if isinstance(value, str) else dumps(value) for path, value in values.items()
    }
    return Pages(calls, "/history", "jobs", {**wanted, **texts, "limit": page_size})


class EventStream:
    """The events after ``last_event_id``, until a job has ended or ``seconds`` are over.

    It asks again after each answer, and after a lost connection, so it misses no event.
    """

    def __init__(
        self,
        calls: Calls,
        path: str,
        query: Mapping[str, Any],
        *,
        last_event_id: str,
        seconds: float,
    ) -> None:
        self._calls = calls
        self._path = path
        self._query = drop_unset(query)
        self._last_id = last_event_id
        self._end = monotonic() + seconds
        self._pause = 0.0
        self._has_ended = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to read."""
        return self._has_ended or monotonic() + self._pause >= self._end

    def read(self) -> Steps[list[Event]]:
        """The next events; none when nothing has happened for a while."""
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        request = Request(
            "GET", self._path, self._query, headers, wait=EVENTS_SECONDS, delay=self._pause
        )
        answer = yield from self._calls.send(request)
        if answer.status == HTTPStatus.NO_CONTENT:
            self._has_ended = True
            return []
        events, last_id, self._pause = parse_events(answer.content.decode())
        self._last_id = last_id or self._last_id
        self._has_ended = any(event.name == "end" for event in events)
        return events
