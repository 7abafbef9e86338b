"""The lane of a job, as its call or its kind says it."""

import pytest
import redis

from project.errors import InvalidField
from project.job.bulk import enqueue_many
from project.job.lane import format_lane
from project.records.record import TaskRecord
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector


@pytest.fixture(autouse=True)
def clean(client: redis.Redis) -> None:
    """No jobs from before."""
    client.flushall()


def test_a_call_names_its_lane(inspector: JobInspector) -> None:
    short = kinds.add.apply_async((1, 1), lane="acme")
    long = kinds.add.apply_async((1, 1), lane="acme", priority=9)
    by_name = kinds.app.send_task("tests.add", (1, 1), lane="acme")
    (many,) = enqueue_many([kinds.add.s(1, 1).set(lane="acme")])

    assert isinstance(many, TaskRecord)
    ids = [short.id, long.id, by_name.id, many.id]
    assert [inspector.record(job_id).lane for job_id in ids] == ["acme"] * 4
    assert len(inspector.list_messages("celery\x06\x160\x06acme")) == 3
    assert len(inspector.list_messages("celery\x06\x169\x06acme")) == 1
    assert inspector.list_messages() == []


def test_a_kind_takes_its_lane_from_the_arguments(inspector: JobInspector) -> None:
    order = {"customer": 7}
    calls = [
        kinds.laned.apply_async((order,), {"region": "us"}),
        kinds.laned.apply_async((order,), {"region": "us"}, priority=3),
        kinds.app.send_task("tests.laned", (order, "us")),
        kinds.laned.apply_async((order, "us"), lane="other"),
    ]

    lanes = [inspector.record(job.id).lane for job in calls]

    assert lanes == ["7-us", "7-us", "7-us", "other"]


def test_a_call_without_what_its_lane_needs_is_refused(inspector: JobInspector) -> None:
    with pytest.raises(InvalidField, match=r"needs order\.customer, which is not given") as refused:
        kinds.laned.apply_async(({},), {"region": "us"})

    assert refused.value.field == "lane"
    assert inspector.list_messages() == []


@pytest.mark.parametrize("lane", ["x" * 129, "a\nb", "a\x06b", 7], ids=["long", "line", "6", "7"])
def test_a_lane_that_is_no_name_is_refused(lane: object) -> None:
    for priority in (None, 3):
        with pytest.raises(InvalidField) as refused:
            kinds.add.apply_async((1, 1), lane=lane, priority=priority)
        assert refused.value.field == "lane"


def test_an_argument_that_is_none_leaves_its_place_empty() -> None:
    def run(customer: str | None, *, part: str = "") -> None: ...

    assert format_lane("{customer}", run, (None,), {}) == ""
    assert format_lane("x-{customer}-{part}", run, ("a",), {"part": "b"}) == "x-a-b"
    with pytest.raises(InvalidField, match="needs a text or a number in customer"):
        format_lane("{customer}", run, ({},), {})
