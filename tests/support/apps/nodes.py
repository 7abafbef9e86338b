"""Job kinds for workflows."""

import os
import signal
from typing import Any

import msgspec
from celery import chain
from redis import Redis

from project.celery import app
from project.errors import PermanentError
from project.settings.values import get_settings


class Customer(msgspec.Struct):
    """A row of a fan-out."""

    name: str
    total: float


@app.task(name="tests.nodes.list_customers", typed=True)
def list_customers(count: int) -> dict[str, list[Customer]]:
    """Customers to fan out over."""
    return {"rows": [Customer(f"c{number}", number * 1.5) for number in range(count)]}


@app.task(name="tests.nodes.invoice", typed=True)
def invoice(customer: Customer) -> str:
    """One for a customer."""
    return f"{customer.name}: {customer.total}"


@app.task(name="tests.nodes.for_customer", typed=True, lane="{customer.name}")
def for_customer(customer: Customer) -> str:
    """One in the lane of its customer."""
    return customer.name


@app.task(name="tests.nodes.join", typed=True)
def join(parts: list[str | None]) -> str:
    """All in one text."""
    return ", ".join(str(part) for part in parts)


@app.task(name="tests.nodes.echo")
def echo(value: Any = None) -> Any:
    """What was given."""
    return value


@app.task(name="tests.nodes.fail_unless", max_retries=0)
def fail_unless(key: str) -> str:
    """Fail for good until a key is in Redis."""
    with Redis.from_url(get_settings().store_url) as client:
        if not client.exists(key):
            raise PermanentError("not yet")
    return "done"


@app.task(name="tests.nodes.die_once", typed=True)
def die_once(key: str) -> str:
    """Kill the process, one time in four."""
    with Redis.from_url(get_settings().store_url) as client:
        if key.endswith(("0", "7")) and client.set(key, 1, nx=True):
            os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


@app.task(name="tests.nodes.grow", bind=True)
def grow(self: Any, depth: int) -> int:
    """Add another job like this one to the batch."""
    if depth:
        self.batch.add(grow, depth=depth - 1)
    return depth


@app.task(name="tests.nodes.grow_and_fail_once", bind=True)
def grow_and_fail_once(self: Any) -> None:
    """Add three jobs to the batch in each of two attempts."""
    for value in (1, 1, 2):
        self.batch.add(echo, value=value)
    if not self.request.retries:
        raise self.retry(countdown=0)


@app.task(name="tests.nodes.send_chain")
def send_chain() -> None:
    """Send a chain of two."""
    chain(echo.si(1), echo.si(2)).apply_async()
