"""Takes over the tasks of another Celery app (``CONTINUO_APP``): they become jobs with records.

In this process the other app is ours from then on: its tasks are jobs, and what calls them, waits
for them or sends them by name does what ``project.celery.app`` does. In other processes it stays
a plain Celery client of the same Redis, which finds copies of results in its own result backend.
"""

from importlib import import_module
from threading import local
from typing import Any

from celery import Celery

from project.errors import ContinuoError
from project.job.base_class import make_job

OWN_PACKAGES = ("api", "project", "tasks")
"""The packages of this checkout. A package of the user's with such a name cannot be imported."""

LIMITS = {"time_limit": "task_time_limit", "soft_time_limit": "task_soft_time_limit"}
"""Options of a task that Celery reads from the settings of an app when the task runs."""


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
        raise ContinuoError(f"CONTINUO_APP: there is no module {module}{hint(module)}") from problem
    if not isinstance(found, Celery):
        raise ContinuoError(f"CONTINUO_APP: {module} has no Celery app {variable}{hint(module)}")
    found.loader.import_default_modules()
    found.finalize()
    return found


def hint(module: str) -> str:
    """What to do about a package with a name that is ours; "" for others."""
    package = module.partition(".")[0]
    if package not in OWN_PACKAGES:
        return ""
    return f"; {package} is a package of Continuo's, so yours needs another name"


def adopt(ours: Any, other: Celery) -> None:
    """Register the tasks of another app with ours, and take over its routes and its schedule.

    Call it once for an app. Raises ``ContinuoError`` when a task has the name of a kind of ours.
    """
    tasks = [task for task in other.tasks.values() if task.__module__ != "celery.app.builtins"]
    for task in tasks:
        check_name(ours, task)
    own_kinds = set(ours.tasks) - set(other.tasks)
    for task in tasks:
        take_over(ours, task, other.backend)
    take_over_routes(ours, other, own_kinds, [task.name for task in tasks])
    take_over_schedule(ours, other)
    redirect(ours, other)


def check_name(ours: Any, task: Any) -> None:
    """Raise ``ContinuoError`` when the name of the task is that of a kind of ours.

    Ours may have the task itself: Celery gives the tasks of an app to all apps.
    """
    known = ours.tasks.get(task.name)
    if known is not None and known.__module__ != task.__module__:
        raise ContinuoError(
            f"CONTINUO_APP: the task {task.name} of {task.__module__} has the name of a kind of "
            f"{known.__module__}; give it another name"
        )


def take_over(ours: Any, task: Any, result_copies: Any) -> None:
    """Make a task of the other app a job of ours: the same object, which its code calls."""
    settings = task.app.conf
    forget_defaults(task, settings)
    for option, setting in LIMITS.items():
        if getattr(task, option) is None:
            setattr(type(task), option, settings[setting])
    job = make_job(task)
    type(job).app, type(job).result_copies = ours, result_copies
    ours.tasks.pop(task.name, None)  # what Celery gave to ours has not the class of theirs
    ours.register_task(job)


def forget_defaults(task: Any, settings: Any) -> None:
    """Clear the options that nobody chose, so that those of our jobs hold, such as late acks.

    Celery stores the defaults of its settings in the class of the task, after ``__bound__``. A
    class keeps the order of its attributes, so what the declaration says comes before.
    """
    names = list(vars(type(task)))
    bound = names[names.index("__bound__") :] if "__bound__" in names else []
    for option, setting in task.from_config:
        if option not in bound or settings.value_set_for(setting):
            continue
        if getattr(task, option) == settings[setting]:  # else an annotation chose it
            setattr(type(task), option, None)


def take_over_routes(ours: Any, other: Any, own_kinds: set[str], names: list[str]) -> None:
    """Let the routes and queues of the other app hold for its tasks, not for ours.

    Workers take from its queues at once: a router that is a function does not tell their names.
    """
    own_queue, queue = ours.conf.task_default_queue, other.conf.task_default_queue
    ours.conf.task_routes = [
        *as_list(ours.conf.task_routes),
        {name: {"queue": own_queue} for name in own_kinds},
        *as_list(other.conf.task_routes),
        {name: {"queue": queue} for name in names},
    ]
    for name in set(other.amqp.queues) - set(ours.amqp.queues):
        ours.amqp.queues.select_add(ours.amqp.queues.new_missing(name))
    ours.amqp.flush_routes()
    ours.amqp.router = ours.amqp.Router()  # the one of before may be in use already


def take_over_schedule(ours: Any, other: Any) -> None:
    """Add the schedule of the other app, and read all times in its time zone."""
    ours.conf.beat_schedule = {**other.conf.beat_schedule, **ours.conf.beat_schedule}
    for setting in ("timezone", "enable_utc"):
        if other.conf.value_set_for(setting):
            ours.conf[setting] = other.conf[setting]
    vars(ours).pop("timezone", None)  # it may have been asked for already


def redirect(ours: Any, other: Any) -> None:
    """Let code that has the other app send to ours, and find its results."""
    other.send_task = ours.send_task
    other.AsyncResult = ours.AsyncResult
    other._get_backend = lambda: ours.backend  # noqa: SLF001 - none of these has a public name
    other._local, other._backend_cache = local(), None  # noqa: SLF001 - it may have one already
    ours.set_current()
    ours.set_default()


def as_list(routes: Any) -> list[Any]:
    """The routers of ``task_routes``, which may be one, several or none."""
    if not routes:
        return []
    return list(routes) if isinstance(routes, (list, tuple)) else [routes]
