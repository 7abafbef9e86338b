"""Any worker fires what is due: each due time once, and none of a plan that was replaced."""

from typing import Any

import pytest

from project.celery import app
from project.messages.builder import build_list_key
from project.records.grouping import LANE_SEPARATOR
from project.records.record import TaskRecord, TaskStatus
from project.records.schedule import Schedule
from project.schedules.firing import ScheduleRounds
from project.schedules.jobs import build_job_id
from project.schedules.timing import at, cron, every
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import maintenance, queries, schedules, statistics
from project.store.commands.queries import RecordFilter
from tests.support.job_commands import fail, start, succeed
from tests.support.schedules.clock import Clock

KIND = "tests.schedules.tick"
HOUR = 3_600


def put(name: str = "nightly", when: Any = None, **options: Any) -> Schedule:
    return app.schedules.put(name, KIND, when or cron("0 * * * *"), **options)


def list_jobs(store: Store) -> list[TaskRecord]:
    """All jobs, oldest first."""
    return store.run(queries.list_page(RecordFilter(kinds=[KIND]), limit=200)).records[::-1]


def read(name: str = "nightly") -> Schedule:
    found = app.schedules.get(name)
    assert found is not None
    return found


def list_whats(name: str = "nightly") -> list[tuple[str, int]]:
    return [(each.what, each.count) for each in app.schedules.history(name)]


def end(store: Store, job_id: str) -> None:
    start(store, job_id)
    succeed(store, job_id)


def test_a_due_time_makes_one_job_and_sets_the_next(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(kwargs={"day": "{{ day before due }}"}, tags=["x"])

    early = rounds.work()
    clock.forward(HOUR)
    rounds.work()
    rounds.work()

    (job,) = list_jobs(store)
    assert early == 0.5
    assert store.client.hget(f"continuo:job:{job.id}", "payload") == b'[[],{"day":"2026-12-31"}]'
    assert job.tags == ["x"]
    assert read().due == clock.at + HOUR
    assert read().last is not None
    assert app.schedules.history("nightly")[0].job == job.id


def test_the_jobs_of_a_schedule_have_its_queue_lane_and_priority(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(queue="slow", lane="reports", priority=6)
    clock.forward(HOUR)

    rounds.work()

    (job,) = list_jobs(store)
    assert (job.queue, job.lane) == ("slow", "reports")
    (lane,) = store.client.keys("*reports*")
    assert lane.decode() == f"{build_list_key('slow', 6)}{LANE_SEPARATOR}reports"


def test_workers_that_read_the_same_due_time_fire_it_once(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put()
    clock.forward(HOUR)
    one, other = read(), read()

    results = rounds.fire_all([one]) + rounds.fire_all([other])

    assert results == ["fired", "changed"]
    assert len(list_jobs(store)) == 1


def test_a_schedule_that_was_written_since_does_not_fire_its_old_time(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put()
    clock.forward(HOUR)
    old = read()
    put(when=cron("30 * * * *"))

    assert rounds.fire_all([old]) == ["changed"]
    rounds.work()
    assert list_jobs(store) == []
    assert read().due == clock.at + HOUR / 2


def test_a_schedule_that_was_paused_or_deleted_since_does_not_fire(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put("paused")
    put("deleted")
    clock.forward(HOUR)
    read_before = [read("paused"), read("deleted")]
    app.schedules.pause("paused")
    app.schedules.delete("deleted")

    assert rounds.fire_all(read_before) == ["changed", "changed"]
    assert list_jobs(store) == []


def test_the_same_plan_again_leaves_the_due_time_as_it_is(
    clock: Clock, rounds: ScheduleRounds
) -> None:
    first = put(when=every(600))
    clock.forward(601)

    assert put(when=every(600)).revision == first.revision
    assert read().due == first.due


def test_due_times_of_a_pause_get_no_job(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put()
    app.schedules.pause("nightly")
    clock.forward(5 * HOUR + 1)
    rounds.work()
    app.schedules.resume("nightly")
    rounds.work()

    assert list_jobs(store) == []
    assert read().due == clock.at - 1 + HOUR


@pytest.mark.parametrize(
    ("catch_up", "jobs"), [("none", 0), ("last", 1), ("all", 24)], ids=["none", "last", "all"]
)
def test_after_an_outage_of_26_hours_as_many_jobs_are_made_as_wanted(
    store: Store, clock: Clock, rounds: ScheduleRounds, catch_up: str, jobs: int
) -> None:
    put(when=cron("0 * * * *", catch_up=catch_up))
    clock.forward(26 * HOUR + 120)

    rounds.work()
    rounds.work()

    assert len(list_jobs(store)) == jobs
    assert dict(list_whats())["missed"] == 26 - jobs
    assert read().due == clock.at - 120 + HOUR
    dues = [each.due for each in app.schedules.history("nightly") if each.what == "fired"]
    assert dues == [clock.at - 120 - HOUR * back for back in range(jobs)]


def test_without_catching_up_a_short_delay_misses_nothing(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=cron("0 * * * *", catch_up="none"))
    clock.forward(HOUR + 30)

    rounds.work()

    assert len(list_jobs(store)) == 1


def test_skip_makes_no_job_while_the_last_one_has_not_ended(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=every(60, overlap="skip"))
    for _ in range(3):
        clock.forward(60)
        rounds.work()
    (job,) = list_jobs(store)
    end(store, job.id)

    clock.forward(60)
    rounds.work()

    assert len(list_jobs(store)) == 2
    assert list_whats() == [("fired", 1), ("overlap", 1), ("overlap", 1), ("fired", 1)]


def test_one_waiting_makes_one_more_job_when_the_last_one_has_ended(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=every(60, overlap="one_waiting"))
    clock.forward(60)
    rounds.work()
    (job,) = list_jobs(store)
    start(store, job.id)
    for _ in range(3):
        clock.forward(60)
        rounds.work()
    waiting = read().waiting
    assert (waiting, len(list_jobs(store))) == (clock.at - 120, 1)

    succeed(store, job.id)
    clock.forward(1)
    rounds.work()

    assert len(list_jobs(store)) == 2
    assert read().waiting is None
    assert app.schedules.history("nightly")[0].due == waiting
    assert read().due == clock.at - 1 + 60


def test_cancel_running_makes_the_newest_job_when_the_last_one_is_cancelled(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=every(60, overlap="cancel_running"))
    clock.forward(60)
    rounds.work()
    (job,) = list_jobs(store)
    start(store, job.id, token="w#1")
    for _ in range(2):
        clock.forward(60)
        rounds.work()
    assert store.run(attempt_commands.list_cancel_requests("w")) == {job.id: "w#1"}
    assert len(list_jobs(store)) == 1

    store.run(attempt_commands.end_cancelled(job.id, token="w#1"))
    clock.forward(1)
    rounds.work()

    assert [each.status for each in list_jobs(store)] == ["cancelled", "pending"]
    assert app.schedules.history("nightly")[0].due == clock.at - 1


def test_a_schedule_pauses_after_failures_in_a_row(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=every(60, pause_after=2))
    for _ in range(2):
        clock.forward(60)
        rounds.work()
        job = list_jobs(store)[-1]
        start(store, job.id)
        fail(store, job.id)

    clock.forward(60)
    rounds.work()
    assert (read().paused, len(list_jobs(store))) == ("failures", 2)

    app.schedules.resume("nightly")
    clock.forward(60)
    rounds.work()
    assert (read().paused, len(list_jobs(store))) == ("", 3)


def test_a_schedule_is_over_after_its_last_time(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=at([int(clock.at) + 10, int(clock.at) + 20]))
    for _ in range(3):
        clock.forward(10)
        rounds.work()

    assert len(list_jobs(store)) == 2
    assert read().due is None
    assert store.run(maintenance.promote(10)).promoted == 0


def test_jitter_delays_a_due_time_always_by_the_same(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=cron("0 * * * *", jitter=600))
    fire_at = store.client.zscore("continuo:schedules", "nightly")
    assert fire_at is not None
    assert clock.at + HOUR < fire_at <= clock.at + HOUR + 600

    clock.set(fire_at - 0.01)
    rounds.work()
    assert list_jobs(store) == []
    clock.set(fire_at)
    rounds.work()

    assert len(list_jobs(store)) == 1


def test_a_kind_that_a_worker_does_not_know_waits_for_one_that_does(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put()
    clock.forward(HOUR)
    known = app.tasks.pop(KIND)

    rounds.work()
    assert list_jobs(store) == []
    app.tasks[KIND] = known
    rounds.work()

    assert len(list_jobs(store)) == 1


def test_a_call_that_no_longer_fits_its_kind_is_skipped_and_noted(
    store: Store, clock: Clock, rounds: ScheduleRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tags=["x"])
    clock.forward(HOUR)
    monkeypatch.setattr(app.tasks[KIND], "message", refuse)

    rounds.work()

    assert list_whats() == [("invalid", 1)]
    assert read().due == clock.at + HOUR


def refuse(*_: Any, **__: Any) -> None:
    raise TypeError("got an unexpected keyword argument")


def test_run_makes_a_job_at_once_unless_that_would_overlap(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=cron("0 * * * *", overlap="skip"))

    first, second = app.schedules.run("nightly"), app.schedules.run("nightly")

    assert (first, second) == (list_jobs(store)[0].id, None)
    assert list_jobs(store)[0].status is TaskStatus.PENDING


def test_metrics_count_what_became_of_due_times(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put("paused")
    app.schedules.pause("paused")
    put(when=cron("0 * * * *", overlap="skip"))
    clock.forward(HOUR + 5)
    due = store.run(statistics.read_counters()).schedules
    rounds.work()
    clock.forward(HOUR)
    rounds.work()

    now = store.run(statistics.read_counters()).schedules

    assert (due.total, due.idle, due.due, due.lateness) == (2, 1, 1, 5)
    assert (now.due, now.lateness) == (0, 0)
    assert (now.made, now.skipped) == ({"fired": 1}, {"overlap": 1})
    assert (now.late.total, now.late.seconds) == (1, 5)


def test_a_job_that_waits_is_forgotten_when_its_schedule_is_written_again(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put(when=every(60, overlap="one_waiting"))
    clock.forward(60)
    rounds.work()
    (job,) = list_jobs(store)
    start(store, job.id)
    clock.forward(60)
    rounds.work()
    old = read()
    assert old.waiting is not None

    put(when=every(3_600))
    succeed(store, job.id)

    assert rounds.fire_all([old]) == ["changed"]
    assert len(list_jobs(store)) == 1


def test_a_plan_that_this_version_cannot_read_keeps_no_other_from_being_fired(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    put("newer")
    put("unzoned")
    put()
    plan = b'{"kind":"tests.schedules.tick","cron":"0 * * * *","overlap":"sometimes"}'
    store.client.hset("continuo:schedule:newer", "plan", plan)
    store.client.hset("continuo:schedule:unzoned", "plan", plan.replace(b"overlap", b"zone"))
    clock.forward(HOUR)

    rounds.work()

    assert len(list_jobs(store)) == 1
    assert store.client.zcount("continuo:schedules", "-inf", clock.at) == 2


def test_many_missed_times_of_many_schedules_are_made_up_for_in_bounded_steps(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    for number in range(30):
        put(f"often-{number}", every(60, catch_up="all", catch_up_limit=50))
    clock.forward(2 * HOUR)

    while rounds.work() == 0:
        pass

    assert store.client.zcard("continuo:index:tests.schedules.tick@celery:pending") == 1_500
    assert {read(f"often-{number}").due for number in range(30)} == {clock.at + 60}


def test_a_request_that_is_delivered_late_does_not_bring_an_old_plan_back(clock: Clock) -> None:
    put()
    first = read()
    late = schedules.put("nightly", first.plan, due=1, fire_at=1, expected=first.revision)
    put(when=every(60))

    assert app.store.run(late) == "conflict"
    assert read().plan.every == 60


def test_schedules_that_are_fired_together_each_know_their_own_job(
    store: Store, clock: Clock, rounds: ScheduleRounds
) -> None:
    for name in ("one", "two", "three"):
        put(name, every(60, overlap="skip"))
    clock.forward(60)
    rounds.work()
    jobs = {name: app.schedules.history(name)[0].job for name in ("one", "two", "three")}
    assert jobs == {name: build_job_id(name, int(clock.at)) for name in jobs}

    for name in ("two", "three"):
        end(store, jobs[name])
    clock.forward(60)
    rounds.work()

    whats = {name: app.schedules.history(name)[0].what for name in jobs}
    assert whats == {"one": "overlap", "two": "fired", "three": "fired"}
