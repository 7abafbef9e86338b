"""A Celery app that existed before Continuo."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from kombu import Queue

context: list[str] = []
"""What is open around a task, like the application context of a web framework."""


@contextmanager
def open_context() -> Iterator[None]:
    context.append("acme")
    try:
        yield
    finally:
        context.pop()


class ContextTask(Task):
    """The class of all tasks of the app."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with open_context():
            return self.run(*args, **kwargs)


url = os.environ.get("ACME_REDIS", "redis://localhost/0")
app = Celery("acme", broker=url, backend=url, include=["acme.old"], task_cls=ContextTask)
app.conf.update(
    timezone="Asia/Kolkata",
    task_default_queue="acme",
    task_time_limit=300,
    task_soft_time_limit=60,
    task_annotations={"acme.old.add": {"rate_limit": "1000/s"}},
    task_routes={"acme.old.slow": {"queue": "slow"}, "acme.old.f*": {"queue": "few"}, "re*": "re"},
    task_queues=[Queue("acme"), Queue("urgent"), Queue("slow"), Queue("few"), Queue("re")],
    task_create_missing_queues=False,
    beat_schedule={
        "tick": {"task": "acme.old.add", "schedule": 3600.0, "args": (1, 2)},
        "at night": {"task": "acme.old.add", "schedule": crontab(hour=4), "args": (1, 2)},
    },
)
