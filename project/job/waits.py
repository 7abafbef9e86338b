"""``sleep`` and ``wait`` of a job: it goes on later, and until then nothing runs."""

from datetime import timedelta
from functools import partial
from typing import Any, cast

from msgspec import UNSET

from project.errors import InvalidField, WaitTimeout
from project.job.running.waits import (
    check_question,
    measure_seconds,
    name_type,
    read_signal,
    run_wait,
)
from project.job.signals import SignalLink, build_link, build_signal
from project.job.steps import StepTask
from project.records.record import Step
from project.store.commands import waits as commands
from project.store.commands.waits import WaitQuestion, WaitStage

BATCH = "batch_of_job"
"""The attribute of a request that keeps the batch of its job."""


class WaitTask(StepTask):
    """A task whose attempts wait without a worker."""

    @property
    def batch(self) -> Any:
        """The batch of which the job is a part; None when it is in none.

        ``self.batch.add(task, order=...)`` adds a job to it, also after it was closed.
        """
        if not hasattr(self.request, BATCH):
            setattr(self.request, BATCH, self.app.batch_of(self.request.id))
        return getattr(self.request, BATCH)

    def sleep(
        self,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        name: str = "",
    ) -> None:
        """End this attempt without counting it, and go on after this time.

        ::

            self.step("remind", send_reminder, customer)
            self.sleep(days=3)

        The record is ``waiting``, and no slot is occupied. Then the job runs from the top, skips
        its finished steps, and goes on after this line. A sleep is a step: by default its name is
        ``sleep[0]``, ``sleep[1]`` and so on in the order of the calls. Without a worker, as in
        ``apply``, it returns at once.

        Raises ``Ignore`` until the time has come, and ``InvalidField`` unless the time is above 0
        and at most 366 days.
        """
        time = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        about = WaitQuestion(name or self._find_steps(self.request).name_sleep(), "sleep")
        self._end_wait(about, measure_seconds("seconds", time), Any)

    def wait[T](
        self,
        name: str,
        *,
        timeout: float | timedelta,
        type: type[T] = Any,  # type: ignore[assignment]  # noqa: A002 - the word of the field
        default: Any = UNSET,
        question: str = "",
        choices: dict[str, Any] | None = None,
    ) -> T:
        """End this attempt without counting it, and go on with the signal of this name.

        ::

            answer = self.wait("approval", timeout=timedelta(days=7), type=Approval)

        The record is ``waiting``, and no slot is occupied. A signal, from ``POST
        /tasks/{id}/signals/{name}`` or ``AsyncResult.signal``, is returned as an object of
        ``type``; one that came before is returned at once. A wait is a step: later attempts get the
        same signal. ``timeout`` is in seconds. ``question`` and ``choices``, button texts and the
        signals that they send, are for people in the console.

        Raises ``Ignore`` until the signal has come; ``WaitTimeout``, a ``PermanentError``, when
        the time is over first and there is no ``default`` to return; ``InvalidField`` for a name
        that a step of this attempt has, and a timeout that is not above 0 and at most 366 days.
        """
        shown = check_question(question, choices or {})
        about = WaitQuestion(name, "signal", question, shown, name_type(type))
        stage, signal = self._end_wait(about, measure_seconds("timeout", timeout), type)
        if stage is WaitStage.SIGNAL:
            return cast("T", read_signal(signal, type, name))
        if default is UNSET:
            raise WaitTimeout(f"no signal {name!r} came in time; a rerun waits anew")
        return cast("T", default)

    def signal_link(
        self, name: str, value: Any, *, question: str = "", button: str = "Confirm"
    ) -> str:
        """A link for a person, with which this job gets the signal ``name``.

        ::

            url = self.signal_link("approval", {"approved": True}, button="Approve")

        It opens a page with the ``question``, or the one of the wait, and a ``button``, which sends
        the signal. The first signal of a name counts, so links to several answers exclude each
        other. Whoever has the link can answer: no key is needed. Raises ``InvalidField`` when value
        and question are more than fits a link, 1,500 bytes.
        """
        text = build_signal(None, name, value)
        return build_link(SignalLink(self.request.id, name, text, question, button))

    def _end_wait(self, about: WaitQuestion, seconds: float, shape: Any) -> commands.WaitAnswer:
        """How a wait ended. Raises ``Waits`` when it has not."""
        request = self.request
        steps = self._find_steps(request)
        finished = steps.find_finished(about.name)
        if finished:
            return self._read_end(finished)
        if not steps.has_record:
            is_signal = about.kind == "signal"
            return commands.WaitAnswer(WaitStage.TIMEOUT if is_signal else WaitStage.SLEEP)
        self._flush_progress(request)
        build = partial(
            commands.wait,
            request.id,
            token=self.app.attempt_token(request),
            about=about,
            seconds=seconds,
            message=self._copy_message(request, retries=request.retries),
        )
        return run_wait(self.app.store.run, build, shape, about.name)

    def _read_end(self, step: Step) -> commands.WaitAnswer:
        """How a wait of an earlier attempt ended."""
        if not step.wait:
            raise InvalidField("name", f"{step.name!r} is the name of a step that is no wait")
        stage = WaitStage(step.wait)
        if stage is not WaitStage.SIGNAL:
            return commands.WaitAnswer(stage)
        signal = self.app.store.run(commands.read_signal(self.request.id, step.name))
        return commands.WaitAnswer(stage, signal)
