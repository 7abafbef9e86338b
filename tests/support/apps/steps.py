"""Job kinds with durable steps; each run of a step is counted in a Redis list."""

import os
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis

from project.celery import app
from project.errors import TransientError
from project.settings.values import get_settings
from tests.support.apps.kinds import MAX_HOLD_SECONDS, RETRY_OPTIONS


@dataclass
class Row:
    """What a typed step returns."""

    name: str
    amount: float


def count(job_id: str, step: str) -> int:
    """Note that a step runs; how often it has."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        return int(client.rpush(f"tests:steps:{job_id}", step))


def fetch(job_id: str) -> list[Row]:
    """A typed result."""
    count(job_id, "fetch")
    return [Row("tea", 1.5)]


def render(job_id: str, number: int) -> str:
    """A result of its own for each item."""
    count(job_id, f"page[{number}]")
    return f"page {number}"


def fail_once(job_id: str, step: str) -> str:
    """Fail the first time."""
    if count(job_id, step) == 1:
        raise TransientError("not yet")
    return step


@app.task(name="tests.steps", bind=True, **RETRY_OPTIONS)
def steps(self: Any, *, ends: str = "") -> dict[str, Any]:
    """Do steps and a map; the first attempt is killed, fails, or waits before the last step."""
    job_id = self.request.id
    (row,) = self.step("fetch", fetch, job_id)
    pages = self.map("page", partial(render, job_id), range(3), limit=2)
    if self.request.retries == 0 and count(job_id, "end") == 5:
        end_attempt(job_id, ends)
    long = self.step("long", "x".ljust, 100_000)
    return {"row": f"{type(row).__name__} {row.name}", "pages": pages, "long": len(long)}


def end_attempt(job_id: str, how: str) -> None:
    """End the attempt in one of the ways in which attempts end."""
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "fail":
        raise TransientError("between two steps")
    if how == "hold":
        with redis.Redis.from_url(get_settings().store_url, socket_timeout=None) as client:
            client.rpush(f"tests:held:{job_id}", os.getpid())
            client.blpop([f"tests:go:{os.getpid()}"], MAX_HOLD_SECONDS)


@app.task(name="tests.broken_steps", bind=True, max_attempts=1)
def broken_steps(self: Any, *, name: str, again: str, result: str) -> None:
    """Do two steps in one attempt that must not be."""
    self.step(name, len, "abc")
    self.step(again, {"set": set, "type": wrong_type}[result])


def wrong_type() -> int:
    """Return what is not of the type it says."""
    return "three"  # type: ignore[return-value]


@app.task(name="tests.broken_map", bind=True, **RETRY_OPTIONS)
def broken_map(self: Any) -> list[str]:
    """Fail at the first item, the first time."""
    job_id = self.request.id

    def do(item: int) -> str:
        if item == 0:
            return fail_once(job_id, "item[0]")
        time.sleep(0.05)
        count(job_id, f"item[{item}]")
        return f"item[{item}] of {self.request.id}"

    return self.map("item", do, range(20), limit=2)


@app.task(name="tests.async_steps", bind=True, **RETRY_OPTIONS)
async def async_steps(self: Any) -> list[str]:
    """Await a step and a map; the first attempt fails after them."""
    job_id = self.request.id

    async def greet(name: str) -> str:
        count(job_id, name)
        return f"hello {name}"

    first = await self.step("greet", greet, "you")
    others = await self.map("others", greet, ["her", "him"], limit=2)
    self.step("fail", fail_once, f"{job_id}:fail", "fail")
    return [first, *others]


@dataclass
class Approval:
    """What the job below waits for."""

    approved: bool
    by: str = ""


@app.task(name="tests.sleepy", bind=True, **RETRY_OPTIONS)
def sleepy(self: Any, *, seconds: float) -> str:
    """Do a step, sleep twice, and do another step."""
    job_id = self.request.id
    self.step("before", count, job_id, "before")
    self.sleep(seconds=seconds)
    self.sleep(seconds=seconds, name="again")
    self.step("after", count, job_id, "after")
    return "rested"


@app.task(name="tests.async_wait", bind=True)
async def async_wait(self: Any) -> int:
    """Sleep and wait in a coroutine."""
    self.sleep(seconds=0.1)
    answer: int = self.wait("number", timeout=600, type=int)
    return answer + 1


@app.task(name="tests.approved", bind=True, **RETRY_OPTIONS)
def approved(
    self: Any, *, timeout: float = 600, default: str = "", holds: bool = False, link: bool = False
) -> str:
    """Do a step, wait for an approval, and do another step."""
    job_id = self.request.id
    self.step("ask", count, job_id, "ask")
    if link:
        self.step("link", self.signal_link, "approval", {"approved": True, "by": "link"})
    if holds and count(job_id, "holds") == 2:
        end_attempt(job_id, "hold")
    answer = self.wait(
        "approval",
        timeout=timeout,
        type=Approval,
        question="Pay 12,000 €?",
        choices={"Pay": {"approved": True}, "Do not pay": {"approved": False}},
        **({"default": default} if default else {}),
    )
    self.step("act", count, job_id, "act")
    if answer == default:
        return default
    return f"{type(answer).__name__} {answer.approved} {answer.by}"
