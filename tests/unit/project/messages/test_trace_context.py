import json
from contextvars import Context
from typing import Any

import pytest

from project.messages.trace_context import TRACE_HEADERS, is_valid_header
from project.store.commands.message import Message
from tests.support.apps import kinds

TRAILS = [{}, {"request_id": "r-7"}, {"request_id": 'a"b\\c %(d)s', "traceparent": "00-1-2-01"}]


def headers(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.text)["headers"]
    return found


def build_message(trail: dict[str, str], *, quick: bool, **options: Any) -> Message:
    def make() -> Message:
        TRACE_HEADERS.set(trail)
        return (kinds.add.message if quick else kinds.add.build)((1, 2), **options)

    return Context().run(make)


@pytest.mark.parametrize("quick", [True, False], ids=["filled in", "built"])
@pytest.mark.parametrize("trail", TRAILS, ids=["none", "a request", "a trace"])
def test_a_message_carries_the_request_that_ordered_it(trail: dict[str, str], quick: bool) -> None:
    found = headers(build_message(trail, quick=quick))
    assert {name: found[name] for name in ("request_id", "traceparent") if name in found} == trail


def test_the_template_of_a_kind_does_not_keep_the_request_it_was_built_for() -> None:
    kinds.add.__dict__.pop("_form", None)

    first = build_message({"request_id": "first"}, quick=True)

    assert headers(first)["request_id"] == "first"
    assert "request_id" not in headers(build_message({}, quick=True))


def test_the_message_of_a_callback_carries_the_request_too() -> None:
    message = build_message({"request_id": "r-7"}, quick=True, callback_url="https://example.com/")
    assert message.callback
    assert headers(message.callback)["request_id"] == "r-7"


@pytest.mark.parametrize("value", [None, 7, "", "x" * 129, "a\nb", ["x"]])
def test_a_request_id_from_outside_must_be_a_short_line(value: Any) -> None:
    assert not is_valid_header(value)
