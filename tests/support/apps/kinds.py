"""Job kinds for tests: a worker loads them with ``-I tests.support.apps.kinds``."""

import asyncio
import os
import signal
from contextlib import suppress
from threading import Event
from typing import Any

import redis
from celery.exceptions import Ignore

from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records.breaker import Breaker
from project.records.limit import Limit
from project.records.record import MAX_BACKOFF_SECONDS
from project.settings.values import get_settings
from tasks.emails.own_mail import send_mail
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


@app.task(name="tests.declared", max_attempts=5)
def declared() -> None:
    """Say how many attempts a job has."""


@app.task(name="tests.unlimited", max_retries=None)
def unlimited() -> None:
    """Have no limit of attempts."""


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


@app.task(name="tests.file", bind=True, **RETRY_OPTIONS)
def file(self: Any, to: str, *, kills: bool) -> dict[str, Any]:
    """Make a file and mail it; hold inside the block, or after the mail, so that it can die."""
    with self.artifact("numbers.txt") as draft:
        draft.path.write_text("1 2 3")
        if kills and not self.request.retries:
            hold.run.__func__(self)
    mail_id = send_mail(
        self,
        "numbers",
        to,
        subject="Numbers",
        text="Three of them.",
        attachments=[draft.result["download_url"]],
    )
    if self.request.retries == 0:
        raise TransientError("the first attempt fails after its mail")
    return draft.result | {"mail_id": mail_id}


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


@app.task(name="tests.laned", lane="{order.customer}-{region}")
def laned(order: dict[str, Any], region: str = "eu") -> None:
    """Have a lane for each customer and region."""


@app.task(
    name="tests.paced",
    limits=[Limit(concurrency=1), Limit(rate="1000/s", each="lane")],
    breaker=Breaker(of=100),
)
def paced() -> None:
    """Have limits."""
