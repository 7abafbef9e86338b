"""How long a job may run, and how many jobs and how much memory a pool process may use."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from project.worker.memory import resident

type TimeLimits = tuple[float | None, float | None]
"""Soft and hard, in seconds."""


class Limits(NamedTuple):
    """The options of a worker. Times in seconds, ``max_memory`` in KiB; 0 or None is no limit.

    ``async_jobs``: how many jobs a process runs at once in an event loop; 0: one, without a loop.
    """

    soft: float | None = None
    hard: float | None = None
    max_jobs: int | None = None
    max_memory: int | None = None
    async_jobs: int = 0

    def of(self, called: Any, task: Any, told: Mapping[str, TimeLimits]) -> TimeLimits:
        """The limits of one job: its call's, its kind's as told or declared, or the worker's."""
        hard, soft = called or (None, None)
        own_soft, own_hard = told.get(task.name, (task.soft_time_limit, task.time_limit))
        return soft or own_soft or self.soft, hard or own_hard or self.hard

    def are_used_up(self, ended: int) -> bool:
        """Whether a process that has ended so many jobs, and has this memory, is to be replaced."""
        if not ended:
            return False
        if self.max_jobs and ended >= self.max_jobs:
            return True
        return bool(self.max_memory and resident([os.getpid()]) > self.max_memory << 10)
