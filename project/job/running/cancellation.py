"""Cancellation of a running job: the worker sends SIGTERM to the pool process that runs it."""

import os
import signal
from threading import current_thread, main_thread

from celery import current_task


class WorkerProcess:
    """The signal handling of this process.

    ``main_pid`` is the process id of the worker's main process, 0 outside of workers.
    """

    def __init__(self) -> None:
        self.main_pid = 0
        self._listening = 0

    def listen(self) -> None:
        """Install the SIGTERM handler, once per pool process.

        Runs when a job starts: billiard resets signal handlers after the process has started.
        """
        pid = os.getpid()
        if pid in (self._listening, self.main_pid) or not self.main_pid:
            return
        self._listening = pid
        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, handle_sigterm)

    def ignore_sigterm(self) -> None:
        """Leave it to the main process to end this one: it runs several jobs."""
        self.main_pid = 0
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


WORKER_PROCESS = WorkerProcess()


def handle_sigterm(number: int, _: object) -> None:
    """Stop the job of this process if it was cancelled; otherwise let it finish.

    A service manager may send SIGTERM to all processes of a worker to stop the worker. The main
    process then waits for the running jobs. A process without a job ends.
    """
    task = current_task._get_current_object() if current_task else None  # noqa: SLF001
    if task is None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    else:
        task.checkpoint()
