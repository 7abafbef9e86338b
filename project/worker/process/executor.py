"""The loop of a pool process: it claims, runs and ends jobs by itself.

Read ``Executor.run`` and ``JobRun.execute`` first: they are the list of the steps of a job. One
command to Redis ends the job before and claims the next. Celery's own tracer runs the task, with
its signals, hooks and canvas; the task changes its record (``project.job.task``: retry, postpone),
and so does the result backend (``project.job.backend``: success and failure). A success is
stored together with the next claim. An idle process waits for the next job and for the orders of
the main process (``project.worker.pool.job_pool``).

This loop runs all jobs when Redis is the broker and the pool is the default one. With RabbitMQ,
and with the solo and thread pools, Celery's consumer hands each message to
``project.worker.request``.
"""

import logging
import os
import signal
import time
from itertools import count
from typing import Any

from celery import signals
from celery.app.task import Context
from celery.app.trace import LOG_RECEIVED, trace_ok_t
from celery.exceptions import Ignore, NotRegistered, Reject, SoftTimeLimitExceeded
from celery.states import IGNORED, REJECTED
from celery.worker import state as worker_state

from project.errors import StoreUnavailable
from project.job.canvas.aftermath import run_aftermath
from project.job.running.current_attempt import ClaimedAttempt
from project.job.running.ignored import end_without_result
from project.messages.builder import PRIORITY_STEPS, build_list_key
from project.messages.validation import find_job_id
from project.store.commands import claims, jobs, workers
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.claims import Claim, Claimant, Claims
from project.store.commands.command import Command
from project.store.wakeup import Wakeup
from project.worker.process.limits import Limits, TimeLimits
from project.worker.process.orders import Orders
from project.worker.process.received import Received, parse_received
from project.worker.process.slot import Slot
from project.worker.process.task_events import TaskEvents
from project.worker.request import JobRequest

log = logging.getLogger(__name__)

POLL_SECONDS = 1
"""Seconds an idle process waits before it looks at its queues: stock clients wake nobody."""

EXIT_UNTOLD = 4
"""Exit status of a process that could not store how a job ended: its job is given back."""


class JobRun:
    """One claimed message: ``execute`` is the list of the steps of a job."""

    def __init__(
        self, executor: "Executor", claim: Claim, attempt: ClaimedAttempt, slot: Slot
    ) -> None:
        self.executor = executor
        self.app = executor.app
        self.events = executor.events
        self.claim = claim
        self.attempt = attempt
        self.slot = slot
        self.soft_limit_at: float | None = None
        self.received = parse_received(claim.message, attempt)

    def execute(self) -> None:
        """Run the job of the message, if it may run now; keep a message that breaks a step."""
        received = self.received
        if received is None:
            self.add_dead_letter(ValueError("the body of its message cannot be read"))
            return
        try:
            self.take_steps(received)
        except StoreUnavailable:
            raise
        except Exception as problem:
            log.exception("job %s: its message cannot be handled", received.job_id)
            self.add_dead_letter(problem)

    def take_steps(self, received: Received) -> None:
        """Announce the job, check whether it may run, run it, and settle its end."""
        self.attempt.job_id = received.job_id
        if self.claim.state == "ended":
            run_aftermath(self.app, self._context(received))
            return
        self.announce(received)
        if self.is_known(received) and not self.is_revoked(received) and self.has_begun(received):
            self.settle(received, self.trace(received))

    def trace(self, received: Received) -> trace_ok_t:
        """Run the task through Celery's tracer, watched by the main process."""
        task = self.app.tasks[received.kind]
        request = received.request | {"hostname": self.executor.hostname}
        self.watch(received, task)
        try:
            return task.__trace__(received.job_id, received.args, received.kwargs, request)
        except (SystemExit, KeyboardInterrupt) as problem:
            log.critical("job %s: its process ends: %r", received.job_id, problem)
            raise
        finally:
            self.unwatch(received)

    def watch(self, received: Received, task: Any) -> None:
        """Say what runs and until when: to the main process, and to those who listen."""
        soft, hard = self.limits_of(received, task)
        now = time.monotonic()
        self.soft_limit_at = now + soft if soft else None
        self.say_started(received, self.soft_limit_at, now + hard if hard else None)

    def unwatch(self, received: Received) -> None:
        """Say that nothing runs any more."""
        self.soft_limit_at = None
        self.executor.slot.count(received.kind)
        self.slot.clear()

    def limits_of(self, received: Received, task: Any) -> TimeLimits:
        """The soft and the hard time limit of the job, in seconds."""
        called = received.headers.get("timelimit")
        return self.executor.limits.of(called, task, self.executor.orders.limits)

    def say_started(self, received: Received, *deadlines: float | None) -> None:
        """Write the attempt into its slot, with the times of its soft and hard limit."""
        text, now = received.text, time.time()
        self.slot.begin(received.serial, received.job_id, received.kind, text, now, *deadlines)
        self.events.send("task-started", uuid=received.job_id)

    def settle(self, received: Received, answer: trace_ok_t) -> None:
        """Do what is left to do; the next claim acknowledges the message."""
        self.events.send_outcome(received.job_id, answer)
        info = answer.info
        if info is None or info.state not in (IGNORED, REJECTED) or self.attempt.success:
            return
        problem = info.retval
        if isinstance(problem, Reject) and problem.requeue:
            self.app.store.run(workers.requeue(self.app.worker_id, [received.serial]))
        elif isinstance(problem, (Ignore, Reject)):
            end_without_result(self.app, received.job_id, self._token, problem)

    # The checks before a job begins

    def announce(self, received: Received) -> None:
        """Log the message, and tell listeners and receivers of ``task_received``."""
        log.info(LOG_RECEIVED, {"name": received.kind, "id": received.job_id})
        self.events.send_received(received)
        if signals.task_received.receivers and received.kind in self.app.tasks:
            signals.task_received.send(
                sender=self.executor.hostname, request=self._request(received)
            )

    def is_known(self, received: Received) -> bool:
        """Whether there is a task for the job; it fails otherwise."""
        if received.kind in self.app.tasks:
            return True
        problem = NotRegistered(received.kind)
        log.error("job %s: no task named %r is registered", received.job_id, received.kind)
        self.app.backend.mark_as_failure(received.job_id, problem, request=self._context(received))
        signals.task_unknown.send(
            sender=self.executor.hostname,
            message=received.to_kombu(),
            exc=problem,
            name=received.kind,
            id=received.job_id,
        )
        self.events.send("task-failed", uuid=received.job_id, exception=repr(problem))
        return False

    def is_revoked(self, received: Received) -> bool:
        """Whether the job was revoked or has expired; its record says so then."""
        if not received.is_conditional and received.job_id not in worker_state.revoked:
            return False
        return bool(self._request(received).revoked())

    def has_begun(self, received: Received) -> bool:
        """Whether the attempt has begun in the record; begins it if the claim did not."""
        if self.claim.state == "started":
            received.request["delivery_info"]["redelivered"] = self.claim.is_redelivered
            return True
        task = self.app.tasks[received.kind]
        if received.due_at and received.due_at > self.read_clock(received):
            task.schedule_message(self._context(received))
            return False
        answer = task.begin_attempt(self._context(received))
        if answer is StartResult.ENDED:
            run_aftermath(self.app, self._context(received))
        if not answer.has_begun:
            log.warning("job %s: not run, its message is %s", received.job_id, answer)
        return bool(answer.has_begun)

    def read_clock(self, received: Received) -> float:
        """The time by the clock of Redis, in seconds since the epoch."""
        now, _ = self.app.store.run(jobs.read_clock(received.job_id))
        return float(now)

    def add_dead_letter(self, problem: Exception) -> None:
        """Keep a message that cannot be handled where a person finds it, and fail its job."""
        if job_id := find_job_id(self.claim.message):
            has_begun = self.claim.state == "started"
            request = Context(delivery=self.attempt if has_begun else None)
            self.app.backend.mark_as_failure(job_id, problem, request=request)
        number = self.app.store.run(workers.add_dead_letter(self.app.worker_id, self.attempt))
        log.error("unreadable message kept as dead letter number %d", number)

    @property
    def _token(self) -> str:
        return f"{self.app.worker_id}#{self.attempt}"

    def _request(self, received: Received) -> JobRequest:
        return JobRequest(
            received.to_kombu(),
            app=self.app,
            hostname=self.executor.hostname,
            eventer=self.events,
            task=self.app.tasks[received.kind],
        )

    def _context(self, received: Received) -> Context:
        return Context(received.request, hostname=self.executor.hostname)


class Executor:
    """Runs one job at a time in a pool process."""

    def __init__(self, app: Any, hostname: str, slot: Slot, orders: Orders, limits: Limits) -> None:
        self.app = app
        self.hostname = hostname
        self.slot = slot
        self.orders = orders
        self.limits = limits
        self.events = TaskEvents(app, hostname)
        self.wakeup = Wakeup(app.store.client)
        self.current: JobRun | None = None
        process = f"p{os.getpid()}.{time.time_ns() // 1000:x}"
        self._claimant = Claimant(app.worker_id, process)
        self._places = count(1)
        slot.name(process)
        self._claims_by_turn: list[Claims] = []
        self._turn = 0

    def run(self) -> None:
        """Claim, run and end jobs until told to stop."""
        signal.signal(signal.SIGUSR1, self.on_soft_limit)
        self.orders.wait_for_first()
        self.follow_orders()
        while not self.is_over():
            self.current = self.take(ends=self.current)
            if self.current:
                self.current.execute()
            elif not self.has_more:
                self.wait()
            self.follow_orders()
        self.finish(self.current, is_last=True)
        self.close()

    has_more = False
    """Whether the last claim found only messages that cannot start so far."""

    idle_seconds: float = POLL_SECONDS
    """Seconds until a limit may let a job pass; ``POLL_SECONDS`` at most."""

    def take(self, *, ends: JobRun | None = None) -> JobRun | None:
        """End a job and claim the next, in one command; None when there is no next one."""
        place = next(self._places)
        command = claims.take(
            self._claimant, self._next_claims(), place=place, **describe_end(ends)
        )
        claim = self._send(command, ends)
        self.slot.settle(self.find_settled(place))
        self.has_more = claim.state == "again"
        self.idle_seconds = POLL_SECONDS if claim.wait is None else claim.wait
        if claim.state in ("", "again"):
            return None
        return self.build_run(claim, ClaimedAttempt(self._claimant.serial(place)))

    def find_settled(self, place: int) -> int:
        """The claims before this number are over, now that claim ``place`` is answered."""
        return place

    def build_run(self, claim: Claim, attempt: ClaimedAttempt) -> JobRun:
        """The run of a claimed message."""
        return JobRun(self, claim, attempt, self.slot)

    def finish(self, ends: JobRun | None, *, is_last: bool = False) -> None:
        """End a job and claim no other."""
        end = describe_end(ends)
        self._send(claims.take(self._claimant, None, is_last=is_last, **end), ends)

    def wait(self) -> None:
        """Wait until a job may be there, or the main process has something to say."""
        self.events.flush()
        self.slot.publish_counts()
        self.wakeup.wait(self.orders.queues, POLL_SECONDS, self.orders.pipe, self.idle_seconds)

    def is_over(self) -> bool:
        """Whether this process ends: it is told to, or its jobs or its memory are used up."""
        return self.orders.stop or self.limits.are_used_up(self.slot.counted)

    def close(self) -> None:
        """Publish what is left to say, before the process ends."""
        self.slot.publish_counts()
        self.events.flush()
        self.wakeup.close()

    def follow_orders(self) -> None:
        """Take in what the main process has said."""
        if not self.orders.read() and self._claims_by_turn:
            return
        self.events.enabled = self.orders.events
        worker_state.revoked.update(self.orders.revoked)
        worker_state.revoked_stamps.update(self.orders.revoked_stamps)
        self._claims_by_turn = build_claims(self.orders)

    def on_soft_limit(self, *_: object) -> None:
        """On SIGUSR1: raise ``SoftTimeLimitExceeded`` in the job whose time is over."""
        run = self.current
        if run and run.soft_limit_at and time.monotonic() >= run.soft_limit_at:
            run.soft_limit_at = None
            raise SoftTimeLimitExceeded

    def _next_claims(self) -> Claims:
        self._turn = (self._turn + 1) % len(self._claims_by_turn)
        return self._claims_by_turn[self._turn]

    def _send(self, command: Command[Claim], ends: JobRun | None) -> Claim:
        job_id = ends.attempt.job_id if ends else ""
        try:
            claim: Claim = self.app.store.run(command)
        except StoreUnavailable:
            log.exception("job %s: its end cannot be stored", job_id)
            os._exit(EXIT_UNTOLD)
        if claim.verdict is Verdict.REFUSED:
            log.warning("job %s: success refused, this attempt no longer owns it", job_id)
        return claim


def describe_end(ends: JobRun | None) -> dict[str, Any]:
    """The arguments with which ``claims.take`` ends a job."""
    return {"done": str(ends.attempt), "success": ends.attempt.success} if ends else {}


def build_claims(orders: Orders) -> list[Claims]:
    """What a process claims in each of its turns: each queue comes first in one of them."""
    queues, is_stamped = orders.queues, bool(orders.revoked_stamps)
    turns = [[*queues[at:], *queues[:at]] for at in range(len(queues))]
    return [
        Claims(
            [build_list_key(queue, priority) for priority in PRIORITY_STEPS for queue in turn],
            is_stamped,
        )
        for turn in turns
    ]
