"""The base classes of tasks: any class of Celery's becomes a ``Job`` when its task is declared."""

from inspect import isclass
from typing import Any, cast

from celery import Task

from project.job.task import Job


def build_job_class(base: type[Task]) -> type[Job]:
    """The class itself if it is a ``Job``, else one with its methods before those of ``Job``."""
    if issubclass(base, Job):
        return base
    if issubclass(Job, base):  # celery.Task itself
        return Job
    namespace = {"__module__": base.__module__, "__doc__": base.__doc__, "abstract": True}
    return cast("type[Job]", type(base.__name__, (base, Job), namespace))


def make_job(task: Any) -> Job:
    """Make a class of Celery's, or its instance, a ``Job``; for ``app.register_task``."""
    instance = task() if isclass(task) else task
    if not isinstance(instance, Job):
        instance.__class__ = build_job_class(type(instance))
    return cast("Job", instance)
