"""Tasks that existed before Continuo."""

from typing import Any

from celery import Task, chord, current_app, shared_task
from celery.result import AsyncResult, allow_join_result

from acme.celery import app, context


class OddTask(Task):
    """A base class of one's own."""

    abstract = True
    greeting = "hello"
    acks_late = False


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


@app.task(acks_late=False, time_limit=70)
def fetch() -> None:
    """A task with options of its own."""


class Tidy(Task):
    """A task that is a class."""

    name = "acme.old.tidy"
    ignore_result = True

    def run(self) -> None:
        """Do nothing."""


tidy = app.register_task(Tidy())


@app.task
def unlucky() -> int:
    """A task that is not bound, and calls itself by its name."""
    if unlucky.request.retries == 0:
        raise unlucky.retry(countdown=0)
    return int(unlucky.request.retries)


@shared_task
def tell_context() -> dict[str, Any]:
    return {"context": list(context), "app": current_app.main}


@app.task(bind=True)
def report_steps(self: Any) -> None:
    """Report a state of one's own, and fail."""
    self.update_state(state="HALFWAY", meta={"done": 1})
    raise LookupError("no such step")


@app.task(ignore_result=True)
def tell_nobody() -> str:
    return "a secret"


@app.task
def call_others() -> list[Any]:
    """Call tasks in all ways, and wait for their results."""
    with allow_join_result():
        called = [add.delay(1, 2), double.delay(4), app.send_task("acme.old.add", (3, 4))]
        by_id = [AsyncResult(called[0].id), app.AsyncResult(called[1].id)]
        body = chord([add.s(1, 1), double.s(2)])(total.s())
        return [each.get(timeout=20) for each in [*called, *by_id, body]]


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


def use_all_at_import() -> None:
    """Some programs look at the tasks while they start; that binds them."""
    app.tasks.copy()


use_all_at_import()
