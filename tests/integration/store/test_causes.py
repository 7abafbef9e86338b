"""Failed jobs are filed under their cause: counted, opened again, bounded, found."""

import time
from typing import Any

from project.records.cause import CauseState, Filing
from project.records.record import EventFilter, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, causes, events, jobs, queries
from project.store.commands.causes import StoredCause
from project.store.commands.queries import RecordFilter
from tests.support.job_commands import message, start

BROKEN = Filing("aaaaaaaaaaaa", "KeyError: <*>", ["shop/orders.py:pay"])


def fail_job(store: Store, job_id: str, filing: Filing = BROKEN, kind: str = "report") -> None:
    store.run(jobs.enqueue(message(job_id, kind)))
    start(store, job_id)
    about: dict[str, Any] = {"error": "e", "exception": "{}", "result_message": "{}"}
    status = TaskStatus.FAILED
    store.run(attempts.fail(job_id, token="t", status=status, filing=filing, **about))


def read_cause(store: Store, fingerprint: str = BROKEN.fingerprint) -> StoredCause:
    cause = store.run(causes.read_cause(fingerprint))
    assert cause is not None
    return cause


def list_news(store: Store) -> list[tuple[str, str]]:
    page = store.run(events.replay("0-0", EventFilter(), most=1_000))
    return [(each.event.id, each.event.news) for each in page.events if each.event.news]


def test_failures_of_one_cause_are_counted_together(store: Store) -> None:
    before = time.time()

    for job_id, kind in (("a", "report"), ("b", "export"), ("c", "report")):
        fail_job(store, job_id, kind=kind)

    cause = read_cause(store)
    assert (cause.headline, cause.frames, cause.failures) == (BROKEN.headline, BROKEN.frames, 3)
    assert before - 1 < cause.first < cause.last < before + 60
    assert {(kind, count) for (_, kind), count in cause.hours.items()} == {
        ("report", 2),
        ("export", 1),
    }
    assert (cause.state, cause.job) == (CauseState.OPEN, "b")


def test_a_new_cause_is_an_event_once(store: Store) -> None:
    for job_id in ("a", "b"):
        fail_job(store, job_id)

    assert list_news(store) == [("a", "new")]


def test_a_failure_after_resolved_is_a_regression(store: Store) -> None:
    fail_job(store, "a")
    store.run(causes.set_state(BROKEN.fingerprint, CauseState.RESOLVED, until=None))

    for job_id in ("b", "c"):
        fail_job(store, job_id)

    cause = read_cause(store)
    assert (cause.state, cause.regressions, cause.job) == (CauseState.OPEN, 1, "b")
    assert (cause.failures, list(cause.hours.values())) == (3, [3])
    assert list_news(store) == [("a", "new"), ("b", "regression")]


def test_an_ignored_cause_stays_so_until_its_time(store: Store) -> None:
    fail_job(store, "a")
    fingerprint, state = BROKEN.fingerprint, CauseState.IGNORED

    store.run(causes.set_state(fingerprint, state, until=time.time() + 60))
    fail_job(store, "b")
    during = read_cause(store)
    store.run(causes.set_state(fingerprint, state, until=time.time() - 1))

    assert during.state is CauseState.IGNORED
    assert read_cause(store).state is CauseState.OPEN
    assert list_news(store) == [("a", "new")]


def test_a_change_for_another_revision_is_refused(store: Store) -> None:
    fail_job(store, "a")
    fingerprint, revision = BROKEN.fingerprint, read_cause(store).revision
    resolve = causes.set_state(fingerprint, CauseState.RESOLVED, until=None, revision=revision)

    assert store.run(resolve) is True
    assert store.run(resolve) is False
    assert store.run(causes.set_state("unknown", CauseState.OPEN, until=None)) is None


def test_the_oldest_causes_are_forgotten_beyond_the_bound(store: Store) -> None:
    for number in range(1_003):
        fail_job(store, f"job{number}", Filing(f"{number:012}", "E"))

    found = store.run(causes.list_causes(2_000))
    assert len(found) == 1_000
    assert (found[0].fingerprint, found[-1].fingerprint) == (f"{1_002:012}", f"{3:012}")
    assert len(store.client.keys("continuo:cause:*")) == 1_000


def test_hours_are_forgotten_after_a_week(store: Store) -> None:
    fail_job(store, "a")
    key = f"continuo:cause:{BROKEN.fingerprint}"
    now = int(time.time()) // 3600
    store.client.hset(key, mapping={f"n:{now - 168}:report": 5, f"n:{now - 167}:report": 6})

    fail_job(store, "b", kind="export")

    cause = read_cause(store)
    assert sorted(cause.hours.values()) == [1, 1, 6]
    assert cause.failures == 13


def test_the_jobs_of_a_cause_are_found(store: Store) -> None:
    fail_job(store, "a")
    fail_job(store, "b", Filing("bbbbbbbbbbbb", "OSError: gone"))

    page = store.run(queries.list_page(RecordFilter(cause=BROKEN.fingerprint), limit=10))

    assert [record.id for record in page.records] == ["a"]


def test_jobs_that_kill_their_workers_have_a_cause(store: Store) -> None:
    for job_id in ("a", "b"):
        store.run(jobs.enqueue(message(job_id)))
        for number in range(3):
            token = f"w{job_id}@h/{number}#1"
            start(store, job_id, token=token)
            died = f"worker w{job_id}@h/{number} died"
            store.run(attempts.interrupt(job_id, token=token, cause=died))

    (cause,) = store.run(causes.list_causes(10))
    assert (cause.failures, cause.frames) == (2, [])
    assert cause.headline == (
        "WorkerLostError: the job killed its worker <*> times, last: worker <*> died"
    )


def test_a_cancelled_job_has_no_cause(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))

    store.run(attempts.cancel("a"))

    assert store.run(causes.list_causes(10)) == []
