"""``step`` and ``map`` of a job: what it has done is stored, and its later attempts skip it."""

import inspect
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, cast, overload

from celery.app.task import Context

from project.errors import InvalidField
from project.job.attempt import AttemptTask
from project.job.running.steps import Steps, await_all, await_step, do_step, run_in_threads

STEPS = "steps"
"""The attribute of a request that holds the ``Steps`` of its attempt."""

MAX_MAP_LIMIT = 64
"""How many items of a map are done at once, at most."""


class StepTask(AttemptTask):
    """A task whose attempts have steps."""

    def step[**P, R](
        self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call ``function`` once for all attempts of the job, and return its result.

        ::

            rows = self.step("fetch", fetch_rows, month)
            key = self.step("upload", upload, rows)

        The result is stored under ``name`` as JSON, with the type that the function says it
        returns, if any; it returns from JSON in every attempt, also in the first one. A later
        attempt, after a crash, a retry or a rerun with the same arguments, gets the stored result,
        and the function does not run again. It does run again if its attempt ends in between:
        use ``self.once`` inside for what must not. JSON of more than 64 KB is kept as a file. With
        a coroutine function the step is awaited.

        Raises ``InvalidField`` when two steps of an attempt have the same name, for a result that
        JSON cannot express, for one of another type, and after 1,000 steps; ``PermanentError`` when
        the file of a stored result is no longer kept.
        """
        call: Callable[[], Any] = partial(function, *args, **kwargs)
        steps = self._find_steps(self.request)
        if inspect.iscoroutinefunction(function):
            return cast("R", await_step(steps, name, call))
        return cast("R", do_step(steps, name, call))

    @overload
    def map(self, name: Iterable[Any]) -> Any: ...

    @overload
    def map[I, R](  # type: ignore[overload-overlap]  # coroutine functions are in both
        self,
        name: str,
        function: Callable[[I], Coroutine[Any, Any, R]],
        items: Iterable[I],
        *,
        limit: int = ...,
    ) -> Coroutine[Any, Any, list[R]]: ...

    @overload
    def map[I, R](
        self, name: str, function: Callable[[I], R], items: Iterable[I], *, limit: int = ...
    ) -> list[R]: ...

    def map(self, name: Any, function: Any = None, items: Any = (), *, limit: int = 4) -> Any:
        """Call ``function`` with each item, as steps ``name[0]``, ``name[1]`` and so on.

        ::

            pages = self.map("page", render_page, range(40), limit=4)

        At most ``limit`` of them run at once, in threads; returns their results in order. After an
        error no further item begins; it is raised when those that run have ended, and their results
        are kept. With a coroutine function the map is awaited. With one argument this is Celery's
        ``Task.map``. Raises what ``step`` raises.
        """
        if function is None:
            return super().map(name)
        if not 1 <= limit <= MAX_MAP_LIMIT:
            raise InvalidField("limit", f"{limit} must be from 1 to {MAX_MAP_LIMIT}")
        request = self.request
        steps, is_awaited = self._find_steps(request), inspect.iscoroutinefunction(function)
        do = await_step if is_awaited else partial(self._do_in_thread, request)
        calls = [
            partial(do, steps, f"{name}[{place}]", partial(function, item))
            for place, item in enumerate(items)
        ]
        return await_all(calls, limit) if is_awaited else run_in_threads(calls, limit)

    def _do_in_thread(
        self, request: Context, steps: Steps, name: str, call: Callable[[], Any]
    ) -> Any:
        self.request_stack.push(request)  # so that ``self`` is the same job in this thread
        try:
            return do_step(steps, name, call)
        finally:
            self.request_stack.pop()

    def _find_steps(self, request: Context) -> Steps:
        """The steps of the attempt that runs; of none that is called without a worker."""
        if not hasattr(request, STEPS):
            is_alone = request.called_directly or request.is_eager
            token = self.app.attempt_token(request)
            steps = Steps(request.id, token, self.app.store.run, has_record=not is_alone)
            if request.called_directly:
                return steps  # not a request of this call alone
            setattr(request, STEPS, steps)
        return cast("Steps", getattr(request, STEPS))
