"""The loop of a pool process that runs many ``async def`` jobs at once (``WORKER_ASYNC_JOBS``).

The steps of a job are those of ``executor.JobRun``. Celery's tracer runs in a greenlet, and its
coroutine in the event loop of the process. A job that is not ``async def`` runs in a thread.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery.exceptions import SoftTimeLimitExceeded

from project.job.running.cancellation import WORKER_PROCESS
from project.job.running.coroutines import is_asynchronous, run_in_greenlet
from project.job.running.current_attempt import ClaimedAttempt
from project.job.task import Cancelled
from project.store.commands.claims import Claim
from project.worker import celery_internals
from project.worker.process.executor import POLL_SECONDS, Executor, JobRun
from project.worker.process.limits import Limits
from project.worker.process.loop_watch import LoopWatch
from project.worker.process.orders import Orders
from project.worker.process.received import Received
from project.worker.process.slot import Slot

log = logging.getLogger(__name__)

ORDERS_SECONDS = 0.1
"""Seconds between two looks at the orders of the main process while no job can be taken."""

MAX_THREADS = 32
"""Jobs that are not ``async def`` and run at once."""

CURRENT: ContextVar["AsyncJobRun | None"] = ContextVar("current_job_run", default=None)


class AsyncJobRun(JobRun):
    """A job beside others in one process. Its time limits are kept by the event loop."""

    task: asyncio.Task[None]
    interruption: BaseException | None = None
    alarms: Sequence[asyncio.TimerHandle] = ()

    @property
    def is_asynchronous(self) -> bool:
        """Whether the job is ``async def``, as far as its message can be read."""
        return bool(self.received and is_asynchronous(self.app.tasks.get(self.received.kind)))

    async def perform(self) -> None:
        """Run the steps of the job and store its end."""
        CURRENT.set(self)
        if self.is_asynchronous:
            await run_in_greenlet(self.execute, lambda: self.interruption)
        else:
            await asyncio.to_thread(self.execute)
        self.executor.finish(self)

    def watch(self, received: Received, task: Any) -> None:
        """Say what runs, and set the alarms of its time limits."""
        if self.is_asynchronous:
            soft, hard = self.limits_of(received, task)
            limits = ((soft, SoftTimeLimitExceeded()), (hard, TimeLimitExceeded(hard)))
            later = asyncio.get_running_loop().call_later
            self.alarms = [later(end, self.interrupt, problem) for end, problem in limits if end]
        self.say_started(received)

    def unwatch(self, received: Received) -> None:
        """Stop the alarms."""
        for alarm in self.alarms:
            alarm.cancel()
        super().unwatch(received)

    def interrupt(self, problem: BaseException) -> None:
        """Raise ``CancelledError`` at the job's next ``await``; it ends with ``problem``."""
        if self.is_asynchronous:
            self.interruption = problem
            self.task.cancel()


class AsyncExecutor(Executor):
    """Runs many jobs at once in one event loop."""

    def __init__(
        self, app: Any, hostname: str, slots: Sequence[Slot], orders: Orders, limits: Limits
    ) -> None:
        super().__init__(app, hostname, slots[0], orders, limits)
        self.free_slots = list(slots)
        self.runs: set[AsyncJobRun] = set()
        self._waiting = ThreadPoolExecutor(1, "wait-for-jobs")

    def run(self) -> None:
        """Claim, run and end jobs until told to stop."""
        WORKER_PROCESS.ignore_sigterm()
        celery_internals.separate_jobs(self.app, identify_job)
        self.orders.wait_for_first()
        self.follow_orders()
        with asyncio.Runner() as runner:
            runner.run(self.serve())
        self._waiting.shutdown()
        self.close()

    async def serve(self) -> None:
        """Start jobs while slots are free, and wait until the last one has ended."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(MAX_THREADS, "job"))
        watch = LoopWatch(loop)
        while not self.is_over():
            run = self.take() if self.free_slots else None
            if isinstance(run, AsyncJobRun):
                self.start(run)
                await asyncio.sleep(0)
            elif not self.has_more:
                await self.wait_for_work(loop)
            self.follow_orders()
        while self.runs:
            await self.wait_for_jobs()
            self.follow_orders()
        self.finish(None, is_last=True)
        watch.stop()

    def build_run(self, claim: Claim, attempt: ClaimedAttempt) -> AsyncJobRun:
        """The run of a claimed message, in a slot of its own."""
        return AsyncJobRun(self, claim, attempt, self.free_slots.pop())

    def find_settled(self, place: int) -> int:
        """The number of the first claim whose job has not ended."""
        return min((place, *(run.attempt.place for run in self.runs)))

    def start(self, run: AsyncJobRun) -> None:
        """Run a claimed job beside the others."""
        name = f"job {run.received.job_id}" if run.received else str(run.attempt)
        run.task = asyncio.create_task(run.perform(), name=name)
        self.runs.add(run)
        run.task.add_done_callback(lambda task: self.on_end(run, task))

    def on_end(self, run: AsyncJobRun, task: asyncio.Task[None]) -> None:
        """Free the slot of a job. A job whose end could not be stored ends the process."""
        self.runs.discard(run)
        self.free_slots.append(run.slot)
        if not task.cancelled() and (problem := task.exception()):
            log.critical("job %s: its process ends", run.attempt.job_id, exc_info=problem)
            os._exit(1)

    async def wait_for_work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for a job, an order or a free slot, while the jobs go on."""
        self.events.flush()
        self.slot.publish_counts()
        if self.free_slots:
            orders = self.orders
            queues, idle = orders.queues, self.idle_seconds
            wait = partial(self.wakeup.wait, queues, POLL_SECONDS, orders.pipe, idle)
            await loop.run_in_executor(self._waiting, wait)
        else:
            await self.wait_for_jobs(asyncio.FIRST_COMPLETED)

    async def wait_for_jobs(self, return_when: str = asyncio.ALL_COMPLETED) -> None:
        """Wait for jobs to end; at most a tenth of a second, because orders may come."""
        tasks = [run.task for run in self.runs]
        await asyncio.wait(tasks, timeout=ORDERS_SECONDS, return_when=return_when)

    def follow_orders(self) -> None:
        """Take in what the main process has said, and stop cancelled jobs."""
        super().follow_orders()
        for run in [run for run in self.runs if run.attempt.job_id in self.orders.cancelled]:
            if not run.interruption:
                run.interrupt(Cancelled())


def identify_job() -> Any:
    """What tells the jobs of this process apart, in a coroutine, its greenlet and a thread."""
    return CURRENT.get() or celery_internals.thread_ident()
