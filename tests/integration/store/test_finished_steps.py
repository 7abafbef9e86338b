"""The steps of a job in its record."""

import pytest

from project.artifacts import links
from project.errors import PermanentError
from project.job.running.steps import MAX_INLINE_BYTES, Steps
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries
from project.store.commands import steps as commands
from project.store.commands.attempts import Verdict
from tests.support.job_commands import fail, message, record, start, succeed


def finish(store: Store, name: str, result: str = "1", token: str = "t") -> Verdict:
    return store.run(commands.finish("a", token=token, name=name, seconds=0.5, result=result))


def list_finished(store: Store) -> list[str]:
    return [step.name for step in store.run(commands.read_finished("a"))]


def list_fields(store: Store) -> list[bytes]:
    return [name for name in store.client.hkeys("continuo:job:a") if b"step" in name]


@pytest.fixture
def running(store: Store) -> Store:
    """A store with the running job ``a``."""
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    return store


def test_a_step_is_stored_with_its_times_and_its_result(running: Store) -> None:
    assert finish(running, 'fetch "ü" / x', '{"rows":[1.0]}') is Verdict.APPLIED

    (step,) = running.run(commands.read_finished("a"))
    assert (step.name, step.finished_at - step.started_at) == ('fetch "ü" / x', pytest.approx(0.5))
    assert running.run(commands.read_result("a", 'fetch "ü" / x')) == '{"rows":[1.0]}'
    assert record(running, "a").steps == [step]


def test_only_the_attempt_that_owns_the_job_stores_steps(running: Store) -> None:
    assert finish(running, "fetch", token="old") is Verdict.REFUSED
    succeed(running, "a")
    assert finish(running, "fetch") is Verdict.REFUSED

    assert list_finished(running) == []


def test_the_first_result_of_a_step_stays(running: Store) -> None:
    assert finish(running, "fetch", "1") is Verdict.APPLIED
    assert finish(running, "fetch", "2") is Verdict.REPEATED

    assert list_finished(running) == ["fetch"]
    assert running.run(commands.read_result("a", "fetch")) == "1"


def test_steps_stay_over_the_attempts_of_a_job(running: Store) -> None:
    finish(running, "fetch")
    running.run(attempt_commands.interrupt("a", token="t", cause="SIGKILL"))
    start(running, "a", token="u")
    finish(running, "render", token="u")

    assert list_finished(running) == ["fetch", "render"]


@pytest.mark.parametrize("keeps", [True, False], ids=["same arguments", "other arguments"])
def test_a_rerun_with_the_same_arguments_keeps_steps(running: Store, keeps: bool) -> None:
    finish(running, "fetch")
    fail(running, "a")

    again = job_commands.rerun(message("a", text="again"), attempts=1, keeps_steps=keeps)
    assert running.run(again)

    assert list_finished(running) == (["fetch"] if keeps else [])
    assert bool(list_fields(running)) is keeps


def test_a_rerun_of_a_job_that_succeeded_starts_anew(running: Store) -> None:
    finish(running, "fetch")
    succeed(running, "a")

    again = message("a", text="again")
    assert running.run(job_commands.rerun(again, attempts=1, repeats=True, keeps_steps=True))

    assert list_fields(running) == []


def test_a_job_that_replaces_another_has_none_of_its_steps(running: Store) -> None:
    finish(running, "fetch")

    running.run(job_commands.replace("a", token="t", messages=[message("a", text="new")]))

    assert list_fields(running) == []


def test_steps_are_deleted_with_the_record(running: Store) -> None:
    finish(running, "fetch")
    succeed(running, "a")
    running.client.hset("continuo:job:a", "finished_at", 1)
    for name in running.client.keys("continuo:index:*:success*"):
        running.client.zadd(name, {"a": 1})

    sweep = maintenance.sweep(
        kind_queue="report@celery", status=TaskStatus.SUCCESS, retention=60, offset=0, most=10
    )
    assert running.run(sweep) == (1, 0)

    assert not [key for key in running.client.scan_iter() if b"step" in key or b":job:" in key]


def test_lists_leave_steps_out(running: Store) -> None:
    finish(running, "fetch")

    (listed,) = running.run(queries.list_page(limit=1)).records

    assert "steps" not in listed.to_dict()
    assert "steps" in record(running, "a").to_dict()


def test_a_step_is_stored_in_a_full_redis(running: Store) -> None:
    running.client.config_set("maxmemory", "1")
    try:
        assert finish(running, "fetch") is Verdict.APPLIED
    finally:
        running.client.config_set("maxmemory", "0")


def test_a_long_result_is_a_file(running: Store) -> None:
    text = "x" * MAX_INLINE_BYTES
    steps = Steps("a", "t", running.run, has_record=True)

    assert steps.begin("long")
    assert steps.finish("long", text, str, 0.1) == text

    assert len(running.run(commands.read_result("a", "long"))) < 200
    later = Steps("a", "t", running.run, has_record=True)
    assert not later.begin("long")
    assert later.read("long", str) == text


def test_a_result_whose_file_is_gone_fails_the_job_and_names_the_step(running: Store) -> None:
    Steps("a", "t", running.run, has_record=True).finish("long", "x" * MAX_INLINE_BYTES, str, 0.1)
    day = running.run(commands.read_result("a", "long")).partition(" ")[2].partition("/")[0]
    links.open_storage().remove(day)

    with pytest.raises(PermanentError, match="'long'"):
        Steps("a", "t", running.run, has_record=True).read("long", str)
