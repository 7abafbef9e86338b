"""Job kinds for tests: a worker loads them with ``-I tests.support.apps.kinds``."""

import asyncio
import os
import signal
from contextlib import suppress
from datetime import datetime
from threading import Event
from typing import Any

import redis
from celery import Task, signals
from celery.contrib.abortable import AbortableTask
from celery.exceptions import Ignore, Reject

from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records.record import MAX_BACKOFF_SECONDS
from project.settings.values import get_settings
from tasks.rendering import follow_up_mail

MAX_HOLD_SECONDS = 60
"""Seconds after which a job ends by itself when the test does not release it."""

RETRY_OPTIONS = {
    "autoretry_for": (Exception,),
    "dont_autoretry_for": (PermanentError, InvalidField),
    "retry_backoff": 2,
    "retry_backoff_max": MAX_BACKOFF_SECONDS,
    "retry_jitter": False,
}


@app.task(name="tests.add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(name="tests.total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(name="tests.flaky", bind=True, **RETRY_OPTIONS)
def flaky(self: Any, failures: int) -> int:
    """Fail ``failures`` times, then return the number of the attempt that succeeds."""
    attempt: int = self.request.retries + 1
    if attempt <= failures:
        raise TransientError(f"attempt {attempt} failed")
    return attempt


@app.task(name="tests.stubborn", bind=True)
def stubborn(self: Any, attempts: int) -> None:
    """Ask for a retry with its own number of attempts."""
    raise self.retry(exc=TransientError("not yet"), countdown=60, max_retries=attempts - 1)


@app.task(name="tests.unready", bind=True)
def unready(self: Any) -> None:
    """Ask for a retry without an exception."""
    raise self.retry(countdown=60)


@app.task(name="tests.hopeless", **RETRY_OPTIONS)
def hopeless() -> None:
    raise PermanentError("there is no such template")


@app.task(name="tests.mistaken", **RETRY_OPTIONS)
def mistaken() -> None:
    raise InvalidField("filters.month", "2026-13 is no month")


@app.task(name="tests.patient", bind=True)
def patient(self: Any, turns: int, seconds: float) -> list[int]:
    """Postpone itself ``turns`` times, then return ``request.retries`` of each run."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        key = f"tests:turns:{self.request.id}"
        if client.rpush(key, self.request.retries) <= turns:
            self.postpone(seconds)
        return [int(counted) for counted in client.lrange(key, 0, -1)]


@app.task(name="tests.hold", bind=True)
def hold(self: Any) -> int:
    """Push its process id to ``tests:held:<job>``, then wait for ``tests:go:<process id>``."""
    pid = os.getpid()
    with redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client:
        client.rpush(f"tests:held:{self.request.id}", pid)
        client.blpop([f"tests:go:{pid}"], MAX_HOLD_SECONDS)
    return pid


@app.task(name="tests.mail", bind=True)
def mail(self: Any, result: dict[str, Any], to: list[str]) -> str:
    """Order a follow-up mail, then hold, so that a test can kill the process before it ends."""
    about = follow_up_mail.ResultSummary("Numbers", [], 3)
    mail_id = follow_up_mail.enqueue_mail(self, follow_up_mail.Mail(to), about, result)
    hold.run.__func__(self)
    return str(mail_id)


@app.task(name="tests.act", bind=True, **RETRY_OPTIONS)
def act(self: Any, what: str) -> int:
    """Pass, hold, die, ignore or fail, as ``what`` says; return the process id."""
    if what == "hold":
        return hold.run.__func__(self)
    if what == "die":
        die.run()
    if what == "ignore":
        raise Ignore
    if what == "fail" and not self.request.retries:
        raise TransientError("the first attempt fails")
    return os.getpid()


@app.task(name="tests.limited", time_limit=60)
def limited() -> int:
    return os.getpid()


@app.task(name="tests.die")
def die() -> None:
    """Kill its process, as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="tests.leave")
def leave(how: str) -> None:
    """Raise what ends a process."""
    exits = {"exit": SystemExit(3), "interrupt": KeyboardInterrupt(), "generator": GeneratorExit()}
    raise exits[how]


@app.task(name="tests.early", bind=True, acks_late=False)
def early(self: Any) -> int:
    """Hold in a job that is acknowledged before it runs."""
    return int(hold.run.__func__(self))


@app.task(name="tests.shapeless")
def shapeless() -> object:
    """Return something that JSON cannot represent."""
    return object()


@app.task(name="tests.endless")
def endless(number: str) -> float:
    """Return infinity or NaN, which JSON does not have."""
    return float(number)


@app.task(name="tests.raise_shapeless")
def raise_shapeless() -> None:
    raise ValueError(object())


@app.task(name="tests.shout")
def shout(length: int) -> None:
    raise ValueError("!" * length + "the end")


@app.task(name="tests.quiet", ignore_result=True)
def quiet() -> str:
    return "nobody asked"


@app.task(name="tests.check", bind=True)
def check(self: Any) -> None:
    """Wait at checkpoints until it is cancelled."""
    with redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client:
        client.rpush(f"tests:held:{self.request.id}", os.getpid())
        for _ in range(MAX_HOLD_SECONDS * 10):
            self.checkpoint()
            client.blpop(["tests:never"], 0.1)


@app.task(name="tests.deaf", bind=True, autoretry_for=(Exception,), retry_backoff=2)
def deaf(self: Any) -> None:
    """Swallow every exception that should stop it."""
    with redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client:
        client.rpush(f"tests:held:{self.request.id}", os.getpid())
        for _ in range(MAX_HOLD_SECONDS):
            with suppress(BaseException):
                client.blpop([f"tests:go:{os.getpid()}"], 1)


@app.task(name="tests.once", bind=True, **RETRY_OPTIONS)
def once(self: Any, *, dies: bool) -> None:
    """Have its effect once; the first attempt fails or dies in the middle."""
    with (
        redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client,
        self.once("effect") as first,
    ):
        if not first:
            return
        client.incr(f"tests:effects:{self.request.id}")
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.request.retries == 0:
            raise TransientError("it did not work")


@app.task(name="tests.overrun", time_limit=1.0)
def overrun() -> None:
    """Run past its hard time limit."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        client.blpop(["tests:never"], MAX_HOLD_SECONDS)


@app.task(name="tests.overrun_softly", soft_time_limit=0.5)
def overrun_softly() -> None:
    """Run past its soft time limit."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        client.blpop(["tests:never"], MAX_HOLD_SECONDS)


@app.task(name="tests.ignored")
def ignored() -> None:
    """Raise Celery's Ignore: it has no result."""
    raise Ignore


@app.task(name="tests.hurried", soft_time_limit=1, time_limit=3)
def hurried() -> str:
    """Return at once, well within its time limits."""
    return "done"


@app.task(name="tests.nap")
def nap(seconds: float) -> None:
    """Run for ``seconds``."""
    Event().wait(seconds)


@app.task(name="tests.sleep", bind=True)
async def sleep(self: Any, seconds: float) -> str:
    """Sleep in the event loop; returns the id of the job as the job sees it afterwards."""
    await asyncio.sleep(seconds)
    return str(self.request.id)


@app.task(name="tests.sleep_limited", soft_time_limit=0.3)
async def sleep_limited() -> None:
    """Sleep beyond its soft time limit."""
    await asyncio.sleep(60)


@app.task(name="tests.sleep_killed", time_limit=0.3)
async def sleep_killed() -> None:
    """Sleep beyond its hard time limit."""
    await asyncio.sleep(60)


@app.task(name="tests.flaky_sleep", bind=True, **RETRY_OPTIONS)
async def flaky_sleep(self: Any) -> int:
    """Fail in the first attempt; returns the number of the attempt."""
    await asyncio.sleep(0)
    if self.request.retries == 0:
        raise TransientError("not yet")
    return int(self.request.retries) + 1


@app.task(name="tests.spawn", bind=True)
async def spawn(self: Any) -> str:
    """Enqueue another job from a coroutine; returns its id."""
    await asyncio.sleep(0.05)
    return str(add.delay(1, 2).id)


@app.task(name="tests.call_other", bind=True)
async def call_other(self: Any) -> list[Any]:
    """Await another task in this very job; returns its result and whose request is current."""
    return [await double(21), self.request.id]


@app.task(name="tests.double")
async def double(number: int) -> int:
    """Twice the number."""
    await asyncio.sleep(0.01)
    return 2 * number


@app.task(name="tests.clean_up", bind=True)
async def clean_up(self: Any) -> None:
    """Sleep; says in Redis when the sleep is cancelled."""
    try:
        await asyncio.sleep(60)
    finally:
        with redis.Redis.from_url(get_settings().store_url) as client:
            client.set(f"tests:cleaned:{self.request.id}", 1)


@app.task(name="tests.block")
async def block(seconds: float) -> None:
    """Keep the event loop to itself."""
    Event().wait(seconds)


@app.task(name="tests.count", bind=True, **RETRY_OPTIONS)
def count(self: Any, total: int, *, fails: bool = False) -> None:
    """Report progress after every number, faster than updates are stored."""
    for done in range(1, total + 1):
        self.progress(done, total, f"number {done}")
    if fails and self.request.retries == 0:
        raise TransientError("it counted wrong")


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
