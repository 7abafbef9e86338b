"""Schedules in the code: workers write and fire them, and nobody changes them at run time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.schedules import crontab, schedule

from project.celery import app
from project.errors import InvalidField, InvalidKind
from project.records.schedule import Plan
from project.schedules.book import ScheduleBook
from project.schedules.declarations import collect_plans, delete_old_plans
from project.schedules.firing import ScheduleRounds
from project.schedules.timing import cron, every
from project.store.client import Store
from project.store.commands import queries
from project.store.commands.queries import RecordFilter
from tests.support.schedules.clock import Clock

KIND = "tests.schedules.tick"


class OwnSchedule(schedule):  # type: ignore[misc]
    """Due when its class says."""


@pytest.fixture(autouse=True)
def entries() -> Iterator[dict[str, Any]]:
    app.conf.beat_schedule = {}
    yield app.conf.beat_schedule
    app.conf.beat_schedule = {}


def entry(when: Any, **more: Any) -> dict[str, Any]:
    return {"task": KIND, "schedule": when} | more


def plan_of(when: Any, **more: Any) -> Plan | None:
    app.conf.beat_schedule = {"it": entry(when, **more)}
    return collect_plans(app).get("it")


def test_workers_write_and_fire_an_entry_of_beat(
    store: Store, clock: Clock, rounds: ScheduleRounds, entries: dict[str, Any]
) -> None:
    entries["nightly"] = entry(crontab(hour="3", minute="30"), args=(1,), options={"tags": ["x"]})
    rounds.work()
    clock.forward(3.5 * 3_600)

    rounds.work()

    (job,) = store.run(queries.list_page(RecordFilter(kinds=[KIND]), limit=10)).records
    assert job.tags == ["x"]


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        (crontab(), {"cron": "* * * * *"}),
        (crontab(minute=0, hour="*/3", day_of_week="mon-fri"), {"cron": "0 */3 * * mon-fri"}),
        (crontab(minute=0, hour=7, day_of_month="1, 15"), {"cron": "0 7 1,15 * *"}),
        (30.0, {"every": 30}),
        (timedelta(hours=1), {"every": 3_600}),
    ],
    ids=["each", "weekdays", "days", "seconds", "hour"],
)
def test_an_entry_of_beat_becomes_a_plan(when: Any, wanted: dict[str, Any]) -> None:
    plan = plan_of(when)

    assert plan is not None
    assert {name: getattr(plan, name) for name in wanted} == wanted
    assert (plan.source, plan.zone) == ("code", "UTC")


@pytest.mark.parametrize(
    ("when", "more"),
    [
        (crontab(minute=0, day_of_week="mon", day_of_month="1-7"), {}),
        (crontab(minute=0, day_of_week="fri-mon"), {}),
        (0.5, {}),
        (OwnSchedule(30.0), {}),
        (30.0, {"options": {"task_id": "x"}}),
        (30.0, {"kwargs": {"it": object()}}),
    ],
    ids=["both days", "around the week", "half a second", "own class", "id", "object"],
)
def test_what_a_plan_cannot_say_stays_with_beat(when: Any, more: dict[str, Any]) -> None:
    assert plan_of(when, **more) is None


def test_a_kind_is_declared_with_its_schedule(rounds: ScheduleRounds) -> None:
    monthly = cron("0 7 1 * *", zone="Europe/Berlin")

    @app.task(name="tests.schedules.declared", schedule=monthly, shared=False)
    def declared() -> None:
        """Do nothing."""

    try:
        rounds.work()
    finally:
        del app.tasks["tests.schedules.declared"]

    found = app.schedules.get("tests.schedules.declared")
    assert found is not None
    assert (found.plan.cron, found.plan.zone) == ("0 7 1 * *", "Europe/Berlin")


def test_a_schedule_of_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidKind, match=r"cron\(...\)"):
        app.task(name="tests.schedules.wrong", schedule="0 7 * * *", shared=False, lazy=False)(
            lambda: None
        )


def test_what_stands_in_the_code_can_be_paused_and_not_changed(
    rounds: ScheduleRounds, entries: dict[str, Any]
) -> None:
    entries["nightly"] = entry(30.0)
    rounds.work()

    with pytest.raises(InvalidField, match="declared in the code"):
        app.schedules.put("nightly", KIND, every(60))
    assert not app.schedules.delete("nightly")
    assert app.schedules.pause("nightly")


def test_what_is_gone_from_the_code_is_deleted_and_others_stay(
    rounds: ScheduleRounds, entries: dict[str, Any]
) -> None:
    elsewhere = entry(60.0) | {"task": "tests.schedules.elsewhere"}
    entries |= {"old": entry(30.0), "kept": entry(60.0), "elsewhere": elsewhere, "bad": {"tusk": 1}}
    rounds.work()
    app.schedules.put("own", KIND, every(60))
    del entries["old"], entries["elsewhere"]

    assert delete_old_plans(app) == ["old"]

    names = ("old", "bad", "kept", "own", "elsewhere")
    assert [app.schedules.get(name) is None for name in names] == [True, True, False, False, False]


def test_a_paused_schedule_of_the_code_stays_paused_when_workers_start_again(
    store: Store, clock: Clock, rounds: ScheduleRounds, entries: dict[str, Any]
) -> None:
    entries["nightly"] = entry(30.0)
    rounds.work()
    app.schedules.pause("nightly")

    ScheduleRounds(app, store).work()
    clock.forward(60)
    rounds.work()

    found = app.schedules.get("nightly")
    assert found is not None
    assert found.paused == "by hand"
    assert store.run(queries.list_page(RecordFilter(kinds=[KIND]), limit=10)).records == []


def test_a_tenant_has_schedules_of_its_own(clock: Clock) -> None:
    book = ScheduleBook(app, "acme")

    written = book.put("nightly", KIND, every(60))

    assert (written.name, written.tenant, written.own_name) == ("acme/nightly", "acme", "nightly")
    assert app.schedules.get("nightly") is None
    job = app.AsyncResult(book.run("nightly")).record
    assert job.tenant == "acme"
    assert book.delete("nightly")


def test_a_schedule_that_cannot_be_is_refused_in_python(clock: Clock) -> None:
    for name, kind, options in (
        ("a/b", KIND, {}),
        ("nightly", "tests.schedules.unknown", {}),
        ("nightly", KIND, {"unique": "x"}),
        ("nightly", KIND, {"nonsense": 1}),
        ("nightly", KIND, {"kwargs": {"day": "{{ moon of due }}"}}),
    ):
        with pytest.raises(InvalidField):
            app.schedules.put(name, kind, every(60), **options)
    assert app.schedules.get("nightly") is None
