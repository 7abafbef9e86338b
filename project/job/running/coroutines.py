"""``async def`` jobs: how Celery's synchronous tracer waits for a coroutine.

A task whose ``run`` is a coroutine function gets a synchronous ``run`` in its place. It passes the
coroutine to an event loop and returns what the coroutine returns. In a process that runs one job
at a time this is a loop of its thread. In a process that runs many jobs at once the tracer of
each job runs in a greenlet, and waits by switching to the loop of the process.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import greenlet

_own = threading.local()


class TracerGreenlet(greenlet.greenlet):
    """Runs the tracer of one job; its parent runs the event loop."""


def make_synchronous(run: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs a coroutine function to its end.

    In code that is called by a running event loop it returns the coroutine, to be awaited there.
    """

    @wraps(run)
    def run_synchronously(*args: Any, **kwargs: Any) -> Any:
        coroutine = run(*args, **kwargs)
        try:
            current = greenlet.getcurrent()
            if isinstance(current, TracerGreenlet):
                return current.parent.switch(coroutine)
            if asyncio._get_running_loop():  # noqa: SLF001 - documented for libraries like this one
                return coroutine
            return run_in_own_loop(coroutine)
        except asyncio.CancelledError as problem:  # the job cancelled itself
            raise RuntimeError("the coroutine of the job was cancelled") from problem

    run_synchronously.is_asynchronous = True  # type: ignore[attr-defined]
    return run_synchronously


def is_asynchronous(task: Any) -> bool:
    """Whether the task was written as ``async def``."""
    return getattr(task.run, "is_asynchronous", False)


def run_in_own_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in the event loop of this thread.

    What interrupts the loop from outside (a time limit, a cancellation) reaches the coroutine as
    ``CancelledError`` at its next ``await``.
    """
    runner = getattr(_own, "runner", None)
    if runner is None:
        runner = _own.runner = asyncio.Runner()
    loop = runner.get_loop()
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))
        raise


async def run_in_greenlet(
    function: Callable[[], Any], explain: Callable[[], BaseException | None]
) -> Any:
    """Run a function beside others in this event loop; its coroutines are awaited here.

    ``explain`` gives the reason for a cancellation from outside: the function gets it in place
    of ``CancelledError``.
    """
    child = TracerGreenlet(function)
    child.gr_context = greenlet.getcurrent().gr_context
    result = child.switch()
    while not child.dead:
        try:
            value = await result
        except asyncio.CancelledError as problem:
            result = child.throw(explain() or problem)
        except BaseException as problem:  # noqa: BLE001 - it goes on in the function
            result = child.throw(problem)
        else:
            result = child.switch(value)
    return result
