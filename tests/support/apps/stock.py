"""Job kinds that show what Celery promises: canvas, base classes, states, odd values."""

import os
import signal
from datetime import datetime
from typing import Any

import redis
from celery import Task, signals
from celery.contrib.abortable import AbortableTask
from celery.exceptions import Ignore, Reject

from project.celery import app
from project.errors import PermanentError, TransientError
from project.settings.values import get_settings
from tests.support.apps.kinds import MAX_HOLD_SECONDS, add, die, hold


@app.task(name="tests.replace", bind=True)
def replace(self: Any, *results: Any, by: dict[str, Any]) -> Any:
    """Replace itself by a call or a canvas; ``results`` are those of the links before."""
    return self.replace(app.signature(by))


@app.task(name="tests.replace_twice", bind=True)
def replace_twice(self: Any, by: dict[str, Any]) -> Any:
    """Replace itself by a job that replaces itself."""
    return self.replace(replace.s(by=by))


@app.task(name="tests.extend_chord", bind=True)
def extend_chord(self: Any, by: dict[str, Any]) -> int:
    """Add one more part to its own chord."""
    self.add_to_chord(app.signature(by))
    return 0


@app.task(name="tests.note")
def note(key: str, value: Any) -> None:
    """Push a value to a list that the test reads."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        client.rpush(key, str(value))


@app.task(name="tests.note_failure")
def note_failure(failed: str, key: str) -> None:
    """Push the id of a failed job to a list that the test reads; an errback."""
    note.run(key, failed)


@app.task(name="tests.replace_and_die", bind=True)
def replace_and_die(self: Any, by: dict[str, Any]) -> Any:
    """Replace itself, and kill its process before its message is acknowledged."""
    try:
        return self.replace(app.signature(by))
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


class LethalNumber:
    """Kills its process when it is written as JSON for the second time, once for each job."""

    def __init__(self, number: int, job: Any) -> None:
        self.number = number
        self.job = job
        self.times = 0

    def __json__(self) -> int:
        self.times += 1
        if self.times > 1 and not app.AsyncResult(self.job.request.id).record.interruptions:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.number


@app.task(name="tests.hand_on", bind=True)
def hand_on(self: Any, number: int) -> LethalNumber:
    """Return a number; its first process dies after it has called the next link."""
    return LethalNumber(number, self)


@app.task(name="tests.enqueue_twice")
def enqueue_twice(job_id: str) -> None:
    for number in range(2):
        add.apply_async((number, 0), task_id=job_id)


class CeleryBase(Task):
    """A base class that knows nothing of jobs."""

    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        note.run(f"began:{task_id}", self.name)


class JobBase(app.Task):
    """A base class whose ``before_start`` does not call that of ``Job``."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        note.run(f"began:{task_id}", self.name)


@app.task(name="tests.celery_base", bind=True, base=CeleryBase)
def celery_base(self: Any, failures: int = 0) -> int:
    """Retry ``failures`` times at once; returns the number of the attempt."""
    if self.request.retries < failures:
        raise self.retry(countdown=0)
    return int(self.request.retries) + 1


@app.task(name="tests.plain_base", base=Task)
def plain_base(failures: int = 0) -> int:
    return 1


@app.task(name="tests.job_base", base=JobBase)
def job_base(failures: int = 0) -> int:
    return 1


class Counted(Task):
    """A task that is written as a class, in Celery's way."""

    name = "tests.counted"
    max_retries = 5

    def run(self, failures: int = 0) -> int:
        if self.request.retries < failures:
            raise self.retry(countdown=0)
        return int(self.request.retries) + 1


class JobCounted(app.Task):
    """The same with the app's own base class."""

    name = "tests.job_counted"

    def run(self, failures: int = 0) -> int:
        return 1


counted = app.register_task(Counted())
job_counted = app.register_task(JobCounted)


@app.task(name="tests.echo")
def echo(value: Any) -> Any:
    """Return what it got."""
    return value


@app.task(name="tests.name_types")
def name_types(value: Any) -> list[str]:
    """Return the names of the types of what it got, outermost first."""
    inner = value.get("__value__") if isinstance(value, dict) else None
    return [type(value).__name__, *(name_types.run(inner) if inner is not None else ())]


@app.task(name="tests.half_character", bind=True, autoretry_for=(TransientError,), max_retries=1)
def half_character(self: Any, where: str) -> Any:
    """Return a lone surrogate, or fail with one."""
    half = "before \ud800 after"
    if where == "result":
        return {"text": [half]}
    if where == "retry":
        raise TransientError(half)
    if where == "progress":
        self.progress(1, 2, half)
    raise ValueError(half, {"key": half})


@app.task(name="tests.tell_state", bind=True)
def tell_state(self: Any, state: str, meta: Any, *, ignore: bool = False) -> str:
    """Set a state of its own, hold, then return or raise Ignore."""
    self.update_state(state=state, meta=meta)
    hold.run.__func__(self)
    if ignore:
        raise Ignore
    return "done"


@app.task(name="tests.abortable", bind=True, base=AbortableTask)
def abortable(self: Any) -> str:
    """Look whether it is aborted until it is."""
    with redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client:
        client.rpush(f"tests:held:{self.request.id}", os.getpid())
        for _ in range(MAX_HOLD_SECONDS * 10):
            if self.is_aborted():
                return "aborted"
            client.blpop(["tests:never"], 0.1)
    return "not aborted"


@app.task(name="tests.slow_retry", bind=True, default_retry_delay=77)
def slow_retry(self: Any) -> None:
    raise self.retry(exc=ValueError("not yet", 5))


@app.task(name="tests.retry_at", bind=True)
def retry_at(self: Any, eta: str) -> None:
    raise self.retry(eta=datetime.fromisoformat(eta))


class SeesItself(app.Task):
    """Notes the state of its own job when it has succeeded."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        note.run(f"states:{task_id}", self.app.AsyncResult(task_id).state)


@app.task(name="tests.sees_itself", base=SeesItself)
def sees_itself() -> int:
    return 1


@app.task(name="tests.calls_and_fails", bind=True)
def calls_and_fails(self: Any) -> None:
    add.apply_async((1, 1), task_id=f"child-of-{self.request.id}")
    raise PermanentError("it failed")


@app.task(name="tests.wrong_limits", soft_time_limit=9, time_limit=8)
def wrong_limits() -> None:
    """A soft limit after the hard one."""


@signals.task_revoked.connect(weak=False)
def note_revoked(request: Any, **_: Any) -> None:
    """Note each job of which a worker says that it was revoked."""
    note.run(f"revoked:{request.id}", "once")


@signals.task_failure.connect(weak=False, sender=die)
def note_death(task_id: str, **_: Any) -> None:
    """Note each job of which a worker says that it has failed by its deaths."""
    note.run(f"failed:{task_id}", "once")


@app.task(name="tests.die_first", bind=True)
def die_first(self: Any, *numbers: int, deaths: int = 1) -> int:
    """Kill the processes of its first attempts, then add the numbers up."""
    if (app.AsyncResult(self.request.id).record.interruptions or 0) < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return sum(numbers)


@app.task(name="tests.be_cancelled", bind=True)
def be_cancelled(self: Any, *numbers: int) -> int:
    """Ask to be cancelled, and wait for that."""
    app.AsyncResult(self.request.id).cancel()
    return int(hold.run.__func__(self))


@app.task(name="tests.reject_once", bind=True)
def reject_once(self: Any) -> str:
    """Put its message back unless it was put back before."""
    if not self.request.delivery_info["redelivered"]:
        raise Reject("not yet", requeue=True)
    return "redelivered"


@app.task(name="tests.die_before_chord", bind=True)
def die_before_chord(self: Any, where: str) -> int:
    """End, but kill the process before the chord of the job hears of it."""
    backend, parent = self.backend, os.getpid()

    def die_here(*_: Any) -> None:
        if os.getpid() == parent:
            os.kill(parent, signal.SIGKILL)

    backend.on_chord_part_return = die_here
    if where == "failure":
        raise PermanentError("it failed")
    return 5


@app.task(name="tests.stumble", bind=True, max_retries=3)
def stumble(self: Any, x: int, y: int) -> int:
    """Add two numbers in the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=0)
    return x + y


@app.task(name="tests.refuse")
def refuse(x: int) -> None:
    """Fail for good."""
    raise PermanentError(f"{x} is refused")


@app.task(name="tests.replace_after", bind=True)
def replace_after(self: Any, x: int, by: dict[str, Any]) -> Any:
    """Replace itself by a canvas that starts from the number."""
    return self.replace(app.signature(by).clone(args=(x,)))


@app.task(name="tests.needs", bind=True)
def needs(self: Any, x: int, key: str = "") -> int:
    """Return the number once the key exists, ``needed:<id of the job>``; fail for good before."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        if not client.exists(key or f"needed:{self.request.id}"):
            raise PermanentError(f"{x} needs something")
    return x
