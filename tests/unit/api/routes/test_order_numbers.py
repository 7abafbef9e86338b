"""Numbers mean the same in single orders, in bulk orders, and as the payload of a retry."""

import asyncio
import json
from typing import Any

import pytest

from api.http.parsing import BodyReader
from api.http.problems import Problem
from api.http.routing import Request
from api.jobs.typed_kinds import build_typed_router, collect_typed_kinds
from api.routes.bulk import BulkOrder, check_orders
from api.routes.emails.emails import EMAIL_BLAST
from api.routes.tasks.tasks import RetryOrder, build_rerun_options
from project.records.record import TaskRecord
from project.store.commands.message import Message

build_typed_router()  # bulk orders know the kinds that have routes
REPORT = collect_typed_kinds()["report"].kind
WEBHOOK = collect_typed_kinds()["webhook"].kind

BODY = '{"price":1.10,"count":1.0,"whole":2,"tiny":1e-7,"long":0.10000000000000000555}'
CALL = f'"url":"https://hooks.example.com/","body":{BODY}'
LIMIT = 1 << 20


def read(shape: Any, text: str) -> Any:
    return BodyReader(shape, LIMIT).parse(text, is_other=False)


def request() -> Request:
    return Request("r", "POST", "/tasks/bulk", {}, lambda _: None, asyncio.Event())


def order_in_bulk(text: str) -> Message | Problem:
    (checked,) = check_orders(read(BulkOrder, f'{{"tasks":[{text}]}}'), request())
    return checked


def blast(data: str) -> str:
    kind = EMAIL_BLAST.task.name
    return f'{{"kind":"{kind}","recipients":["a@example.com"],"data":{data}}}'


def order_alone() -> str:
    options = WEBHOOK.build_options(read(WEBHOOK.body, f"{{{CALL}}}"))
    return WEBHOOK.task.message(**options).payload


def order_again(payload: str, kind: str) -> dict[str, Any]:
    record = TaskRecord(
        id="a", kind=kind, status="failed", attempts=1, max_retries=3, result=None, error="",
        created_at=1, updated_at=1, started_at=None, finished_at=1,
    )  # fmt: skip
    return build_rerun_options(read(RetryOrder, f'{{"payload":{payload}}}'), record)


def test_a_call_has_the_same_digits_in_bulk_and_alone() -> None:
    message = order_in_bulk(f'{{"kind":"webhook",{CALL}}}')

    assert isinstance(message, Message)
    assert message.payload == order_alone()
    assert "1.10" in message.payload


def test_a_call_has_the_same_digits_when_it_is_the_payload_of_a_retry() -> None:
    options = order_again(f"{{{CALL}}}", "webhook")
    options.pop("max_retries")
    assert WEBHOOK.task.message(**options).payload == order_alone()


def test_other_kinds_get_floats() -> None:
    message = order_in_bulk(blast('{"price":1.50,"x":1.0}'))

    assert isinstance(message, Message)
    assert json.loads(message.payload)[1]["data"] == {"price": 1.5, "x": 1.0}
    assert '"x":1.0' in message.payload


def test_a_whole_number_with_a_point_is_an_integer_where_one_is_needed() -> None:
    in_bulk = order_in_bulk(f'{{"kind":"{REPORT.task.name}","max_retries":5.0}}')
    again = order_again('{"max_retries":5.0}', REPORT.task.name)

    assert isinstance(in_bulk, Message)
    assert (in_bulk.max_retries, again["max_retries"]) == (5, 5)


def test_a_number_beyond_a_float_is_refused_for_its_order_alone() -> None:
    refused = order_in_bulk(blast('{"x":1e999}'))

    assert isinstance(refused, Problem)
    assert (refused.status, "out of range" in str(refused.detail)) == (422, True)


@pytest.mark.parametrize("wrong", ["2.5", '"3"'])
def test_a_wrong_number_is_named_in_bulk(wrong: str) -> None:
    refused = order_in_bulk(f'{{"kind":"webhook",{CALL},"max_retries":{wrong}}}')

    assert isinstance(refused, Problem)
    assert [error.pointer for error in refused.errors or []] == ["/max_retries"]
