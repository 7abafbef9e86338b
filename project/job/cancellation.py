"""How a pool process hears that its job is cancelled: by SIGTERM."""

import os
import signal
from threading import current_thread, main_thread

from celery import current_task


class WorkerProcess:
    """What a process of a worker knows of itself.

    ``main`` is the worker's main process, 0 outside of workers.
    """

    def __init__(self) -> None:
        self.main_pid = 0
        self._listening = 0

    def listen(self) -> None:
        """Hear of cancellation by SIGTERM; called when a job starts, as billiard resets it late."""
        pid = os.getpid()
        if pid in (self._listening, self.main_pid) or not self.main_pid:
            return
        self._listening = pid
        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, handle_sigterm)


WORKER_PROCESS = WorkerProcess()


def handle_sigterm(number: int, _: object) -> None:
    """Stop this process's job when it was cancelled; let it finish when the signal is for all.

    A service manager may send SIGTERM to every process of a worker: it means the
    main one, which lets jobs finish. Without a job the process ends.
    """
    task = current_task._get_current_object() if current_task else None  # noqa: SLF001
    if task is None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    else:
        task.checkpoint()
