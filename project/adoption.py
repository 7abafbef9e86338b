"""Takes over the tasks of another Celery app (``CONTINUO_APP``): they become jobs with records.

The other app stays what it is for those who call its tasks: a plain Celery client of the same
Redis. Only this program's workers and API know the tasks as jobs.
"""

from importlib import import_module
from typing import Any

from celery import Celery

from project.errors import ContinuoError
from project.job.base_class import build_job_class


def load_app(name: str) -> Celery:
    """Import an app by its name, ``package.module:app``, with all its tasks.

    Raises ``ContinuoError`` when there is no such app.
    """
    module, _, variable = name.partition(":")
    try:
        found = getattr(import_module(module), variable, None)
    except ModuleNotFoundError as problem:
        if not module.startswith(problem.name or ""):
            raise  # the app's own code lacks a module
        raise ContinuoError(f"CONTINUO_APP: there is no module {module}") from problem
    if not isinstance(found, Celery):
        raise ContinuoError(f"CONTINUO_APP: {module} has no Celery app {variable}")
    found.loader.import_default_modules()
    found.finalize()
    return found


def adopt(ours: Any, other: Celery) -> None:
    """Register the tasks of another app with ours, and take over its routes and its schedule.

    Call it once for an app.
    """
    for name, task in sorted(other.tasks.items()):
        if not name.startswith("celery.") and name not in ours.tasks:
            ours.register_task(copy_task(task, ours))
    routes = [other.conf.task_routes, ours.conf.task_routes]
    ours.conf.task_routes = [each for group in routes for each in as_list(group)]
    ours.amqp.flush_routes()
    ours.amqp.router = ours.amqp.Router()  # the one of before may be in use already
    ours.conf.beat_schedule = {**other.conf.beat_schedule, **ours.conf.beat_schedule}


def copy_task(task: Any, app: Any) -> Any:
    """A task of ``app`` with the same code."""
    base = type(task)
    options = {
        "name": task.name,
        "app": app,
        "__module__": base.__module__,
        "__doc__": task.__doc__,
    }
    return type(base.__name__, (build_job_class(base),), options)()


def as_list(routes: Any) -> list[Any]:
    """The routers of ``task_routes``, which may be one, several or none."""
    if not routes:
        return []
    return list(routes) if isinstance(routes, (list, tuple)) else [routes]
