"""Messages: what we put on a queue is what Celery and kombu would have put there."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import EncodeError
from kombu.serialization import loads
from kombu.transport.redis import PRIORITY_STEPS as KOMBU_STEPS
from kombu.transport.redis import Channel

from project.celery import app
from project.errors import ContinuoError, InvalidField
from project.messages.builder import CapturingProducer, build_list_key, pop_due_time
from project.messages.validation import MAX_LEVELS, parse_message
from project.store.commands.message import Message
from tests.support.apps import kinds

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["placeholder-id", "placeholder-args", "placeholder-kwargs", "987654321", '"', "\\", "\x00"]
    )
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@app.task(name="tests.anything", typing=False)
def anything(*args: Any, **kwargs: Any) -> None:
    """Takes whatever there is."""


@app.task(name="tests.special", time_limit=9, soft_time_limit=8)
def special() -> None:
    """A kind with wishes of its own."""


def body_of(message: Message) -> Any:
    """What a worker reads from a message."""
    wire = json.loads(message.text)
    raw = base64.b64decode(wire["body"])
    return loads(raw, wire["content-type"], wire["content-encoding"], accept=["application/json"])


def said_by(message: Message) -> dict[str, Any]:
    """A message without what differs from one to the next, or is for people alone."""
    wire = json.loads(message.text)
    for name in ("argsrepr", "kwargsrepr"):
        del wire["headers"][name]
    del wire["properties"]["delivery_tag"]
    wire["body"] = body_of(message)
    rest = message._replace(text="", payload="", due=None)
    return {"wire": wire, "payload": json.loads(message.payload), "rest": rest}


@given(st.lists(VALUES, max_size=3), st.dictionaries(st.text(), VALUES, max_size=3))
def test_a_built_message_equals_celerys(args: list[Any], kwargs: dict[str, Any]) -> None:
    call: dict[str, Any] = {"task_id": "the-id", "max_retries": 4}
    quick = anything.message(args, kwargs, **call)

    built = anything.build(args, kwargs, **call)

    assert said_by(quick) == said_by(built)


@given(st.lists(VALUES, max_size=3), st.dictionaries(st.text(), VALUES, max_size=3))
def test_arguments_arrive_with_their_types(args: list[Any], kwargs: dict[str, Any]) -> None:
    message = anything.message(args, kwargs)
    assert body_of(message)[:2] == [args, kwargs]
    assert parse_message(message.text.encode()) is not None


@pytest.mark.parametrize("kind", [special, kinds.add, kinds.quiet], ids=lambda kind: kind.name)
def test_the_options_of_a_kind_are_in_every_message(kind: Any) -> None:
    args = (1, 2) if kind is kinds.add else ()
    call = {"task_id": "the-id"}
    assert said_by(kind.message(args, **call)) == said_by(kind.build(args, **call))


def test_queue_priority_and_limits_are_in_the_message() -> None:
    message = special.message(queue="special", priority=7)
    headers = json.loads(message.text)["headers"]

    assert message.queue == "special\x06\x166"
    assert headers["timelimit"] == [9, 8]


@pytest.fixture
def routes() -> Iterator[Callable[[Any], None]]:
    """Sets ``task_routes``; the old routes are back after the test."""
    before = app.conf.task_routes

    def set_routes(routes: Any) -> None:
        app.conf.update(task_routes=routes)

    yield set_routes
    set_routes(before)


def test_a_route_by_name_is_part_of_the_template(routes: Callable[[Any], None]) -> None:
    call = {"task_id": "the-id"}
    assert kinds.add.message((1, 2)).queue == "celery"

    routes({"tests.a*": {"queue": "routed", "priority": 9}})

    with patch.object(kinds.add, "build", side_effect=AssertionError):
        routed = kinds.add.message((1, 2), **call)
    assert routed.queue_name == "routed"
    assert said_by(routed) == said_by(kinds.add.build((1, 2), **call))


def test_a_router_that_is_a_function_is_asked_for_each_call(routes: Callable[[Any], None]) -> None:
    def route(_name: str, args: Any, *_: Any, **__: Any) -> dict[str, str]:
        return {"queue": f"numbers-{args[0]}"}

    routes([route])

    names = [kinds.add.message((number, 0)).queue_name for number in range(2)]
    assert names == ["numbers-0", "numbers-1"]


def test_two_calls_have_different_ids_and_each_id_is_in_all_its_places() -> None:
    first, second = kinds.add.message((1, 2)), kinds.add.message((1, 2))
    assert first.id != second.id

    wire = json.loads(first.text)
    assert UUID(first.id).version == 4
    assert wire["headers"]["id"] == wire["headers"]["root_id"] == first.id
    assert wire["properties"]["correlation_id"] == first.id


@pytest.mark.parametrize("options", [{}, {"priority": 3}], ids=["template", "Celery"])
def test_a_countdown_is_a_delay_and_an_eta_a_moment(options: dict[str, Any]) -> None:
    moment = datetime(2040, 1, 1, tzinfo=UTC)

    later = kinds.add.message((1, 2), countdown=60, **options)
    then = kinds.add.message((1, 2), eta=moment, **options)

    assert (later.delay, later.due) == (60, None)
    assert (then.delay, then.due) == (None, moment.timestamp())
    assert {json.loads(each.text)["headers"]["eta"] for each in (later, then)} == {None}


def test_a_job_without_a_delay_has_no_due_time() -> None:
    assert kinds.add.message((1, 2)).due is None
    assert pop_due_time({"eta": None}) is None


def test_an_eta_in_any_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    for text in ("2026-05-01T12:00:00+00:00", "2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00Z"):
        assert pop_due_time({"eta": text}) == moment.timestamp()


@pytest.mark.parametrize("priority", range(10))
def test_list_names_match_kombus(priority: int) -> None:
    class Kombus(Channel):
        def __init__(self) -> None:
            """A channel that is not connected can say where it would put a message."""
            self.priority_steps = KOMBU_STEPS

    step = Kombus()._q_for_pri("celery", priority)  # noqa: SLF001 - that is the point

    assert build_list_key("celery", Kombus().priority(priority) and priority) == step


def test_the_number_of_attempts_is_in_the_header_and_in_the_record() -> None:
    message = kinds.add.message((1, 2), max_retries=7)
    assert (message.max_retries, json.loads(message.text)["headers"]["max_attempts"]) == (7, 7)
    assert kinds.add.message((1, 2)).max_retries == 3


def test_zero_attempts_are_refused() -> None:
    with pytest.raises(InvalidField, match="max_retries"):
        kinds.add.message((1, 2), max_retries=0)


def test_arguments_that_do_not_match_the_signature_are_refused() -> None:
    with pytest.raises(TypeError, match="missing 1 required"):
        kinds.add.message((1,))


def test_arguments_that_json_cannot_represent_are_refused() -> None:
    for build in (anything.message, anything.build):
        with pytest.raises(EncodeError, match="not JSON"):
            build((object(),))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    for build in (anything.message, anything.build):
        with pytest.raises(EncodeError, match="JSON"):
            build((number,))


def test_a_producer_without_a_message_raises() -> None:
    with pytest.raises(ContinuoError, match="no message was published"):
        CapturingProducer().message  # noqa: B018 - it raises


def test_an_exchange_is_refused() -> None:
    with pytest.raises(ContinuoError, match="not to exchange 'topics'"):
        kinds.add.message((1, 2), exchange="topics", routing_key="a")


def test_celery_builds_the_message_of_a_call_with_a_link() -> None:
    message = kinds.add.message((1, 2), link=kinds.add.s(3))
    (callback,) = body_of(message)[2]["callbacks"]
    assert callback["task"] == "tests.add"


def test_dates_and_decimals_survive() -> None:
    given_values = [date(2026, 5, 1), Decimal("1.10"), UUID(int=1), b"\x00\xff"]
    assert body_of(anything.message(given_values))[0] == given_values


@pytest.mark.parametrize("value", ["\ud800", {"\udc80": 1}, [[]], {"a": "\ud83d"}], ids=ascii)
def test_half_a_character_and_endless_lists_are_refused(value: Any) -> None:
    if value == [[]]:
        value[0].append(value)
    for build in (anything.message, anything.build):
        with pytest.raises(EncodeError, match="not JSON"):
            build((value,))


def test_arguments_with_too_many_levels_are_refused() -> None:
    value: list[Any] = []
    for _ in range(MAX_LEVELS + 1):
        value = [value]
    for build in (anything.message, anything.build):
        with pytest.raises(EncodeError, match="200 levels"):
            build((value,))


@pytest.mark.parametrize(
    "job_id", ['a"b', "a\nb", "a\0b", "x" * 256, "\ud800", "a\\b", 5], ids=ascii
)
def test_an_id_that_could_break_a_message_is_refused(job_id: Any) -> None:
    for options in ({}, {"priority": 3}):
        with pytest.raises(InvalidField, match=r"task_id.*printable"):
            anything.message((), task_id=job_id, **options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"serializer": "pickle"}, "serializer"),
        ({"serializer": "yaml"}, "serializer"),
        ({"exchange": "topics"}, "exchange"),
        ({"routing_key": "a.b"}, "routing_key"),
        ({"tag": ["a"]}, "tag.*allowed are .*tags"),
        ({"priority": "high"}, "priority"),
        ({"app_id": 5}, "app_id"),
        ({"max_retries": 2_000_000}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"max_retries": True}, "max_retries"),
        ({"eta": "tomorrow"}, "eta"),
        ({"eta": 5}, "eta"),
        ({"countdown": 1e300}, "countdown"),
        ({"countdown": float("nan")}, "countdown"),
        ({"countdown": "5"}, "countdown"),
        ({"expires": 1e12}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"expires": ""}, "expires"),
        ({"queue": 5}, "queue"),
        ({"queue": "\ud800"}, "queue"),
        ({"group_id": 5}, "group"),
        ({"stamped_headers": ["ticket"]}, "stamped_headers"),
        ({"headers": {"retries": 5}}, "headers.retries"),
        ({"headers": {"id": "another"}}, "headers.id"),
        ({"headers": ["id"]}, "headers"),
        ({"time_limit": -1}, "timelimit"),
    ],
    ids=repr,
)
def test_an_option_that_no_worker_could_follow_is_refused(
    options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidField, match=field):
        anything.message((), **options)


def test_headers_that_are_not_json_are_refused() -> None:
    with pytest.raises(EncodeError):
        anything.message((), headers={"far": float("inf")})


def test_the_properties_of_a_message_travel_with_it() -> None:
    wire = json.loads(anything.message((), app_id="shop", type="order").text)

    assert (wire["properties"]["app_id"], wire["properties"]["type"]) == ("shop", "order")


@pytest.mark.parametrize("marker", ["datetime", "object", "unknown", "bytes"])
def test_an_object_that_looks_like_a_value_with_a_type_is_data(marker: str) -> None:
    value = {"__type__": marker, "__value__": {"__type__": "date", "__value__": "never"}}
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    for build in (anything.message, anything.build):
        message = build((value, moment), {"deep": [value]})

        assert body_of(message)[:2] == [[value, moment], {"deep": [value]}]


def test_an_eta_without_a_zone_is_in_the_zone_of_the_app() -> None:
    naive = datetime(2027, 5, 1, 12)  # noqa: DTZ001 - that is the point

    for eta in (naive, naive.isoformat()):
        assert anything.message((), eta=eta).due == naive.replace(tzinfo=app.timezone).timestamp()
