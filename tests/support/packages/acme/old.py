"""Tasks that existed before Continuo."""

from typing import Any

from celery import Task, shared_task

from acme.celery import app


class OddTask(Task):
    """A base class of one's own."""

    abstract = True
    greeting = "hello"


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task(bind=True, base=OddTask, autoretry_for=(OSError,), retry_backoff=True)
def slow(self: Any, path: str) -> str:
    if self.request.retries == 0:
        raise FileNotFoundError(path)
    return f"{self.greeting} {path}"


@shared_task
def double(number: int) -> int:
    return number * 2
