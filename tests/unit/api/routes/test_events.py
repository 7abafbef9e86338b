import asyncio

import pytest

from api.routes.tasks import events
from project.records.record import Event, EventFilter, TaskStatus
from project.store.commands.events import EventPage, StoredEvent
from project.store.event_feed import MAX_WAITING_EVENTS, Listener


def build_event(place: str, job_id: str = "a", kind: str = "report") -> StoredEvent:
    event = Event(id=job_id, kind=kind, queue="q", status=TaskStatus.PENDING, attempts=0, at=1.5)
    return StoredEvent(place, event)


def replay(*places: str) -> EventPage:
    return EventPage(
        [build_event(place) for place in places], places[-1], is_whole=True, is_more=False
    )


def listener(place: str, *heard: str, **wanted: str) -> Listener:
    listener = Listener(EventFilter(**wanted), place)
    for each in heard:
        listener.add(build_event(each))
    return listener


def places(told: events.EventBatch) -> list[str]:
    return [place for place, _ in told.events]


def test_an_event_that_was_replayed_and_received_is_sent_once() -> None:
    told = events.merge_events(
        replay("9-0", "10-0", "10-1"), listener("8-0", "9-0", "10-1", "10-2"), 0
    )
    assert places(told) == ["9-0", "10-0", "10-1", "10-2"]


def test_the_last_event_id_is_the_later_of_both() -> None:
    assert events.merge_events(replay("9-9"), listener("10-0"), 0).place == "10-0"
    assert events.merge_events(replay("10-0"), listener("9-9"), 0).place == "10-0"


def test_a_listener_that_lost_the_connection_before_any_event_retries_later() -> None:
    nothing = EventPage([], "1-0", is_whole=True, is_more=False)
    closed = listener("1-0")

    closed.close()

    assert (
        events.merge_events(nothing, closed, events.RETRY_MILLISECONDS).retry
        == events.DEGRADED_RETRY_MILLISECONDS
    )
    assert (
        events.merge_events(replay("2-0"), closed, events.RETRY_MILLISECONDS).retry
        == events.RETRY_MILLISECONDS
    )


def test_a_listener_with_too_many_events_stops_and_remembers_its_position() -> None:
    full = listener("0-0", *(f"1-{number}" for number in range(MAX_WAITING_EVENTS + 5)))
    assert (len(full.events), full.is_closed, full.place) == (
        MAX_WAITING_EVENTS,
        True,
        f"1-{MAX_WAITING_EVENTS - 1}",
    )


def test_unwanted_events_are_dropped() -> None:
    assert listener("0-0", "1-0", job="b").events == []
    assert listener("0-0", "1-0", kind="blast").events == []
    assert len(listener("0-0", "1-0", job="a", kind="report", status="pending").events) == 1


@pytest.mark.parametrize("what", ["event", "closed", "leaving"])
def test_a_wait_ends_when_there_is_something_to_send(what: str) -> None:
    async def wait() -> None:
        waiting, leaving = listener("0-0"), asyncio.Event()
        ends = {
            "event": lambda: waiting.add(build_event("1-0")),
            "closed": waiting.close,
            "leaving": leaving.set,
        }
        asyncio.get_running_loop().call_soon(ends[what])
        async with asyncio.timeout(10):
            await waiting.wait(60, leaving)

    asyncio.run(wait())


def test_an_event_is_text_lines_followed_by_an_empty_line() -> None:
    assert events.format_block({"note": "two\nlines"}, "reset", "1-0") == (
        'id: 1-0\nevent: reset\ndata: {"note":"two\\nlines"}\n\n'
    )
    assert events.format_event(build_event("1-0")).startswith('id: 1-0\ndata: {"id":"a",')
