"""Which queues a worker takes from.

With ``-Q``, and after ``control.cancel_consumer``, what it is told. Without ``-Q``, every queue
that exists or comes to exist, except those of ``-X`` and of ``CONTINUO_EXCLUDED_QUEUES``. The
queue ``control`` always.
"""

import logging
from typing import Any

from celery.app.routes import MapRoute
from celery.apps.worker import Worker
from celery.utils.text import str_to_list

from project.settings.groups import split_list
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import queues

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks for new queues."""

START_SECONDS = 0.1
"""Seconds between two looks whether the worker has begun to take jobs."""

MAX_QUEUES = 200
"""Queues that a worker takes from without ``-Q``: each claim looks at all of them."""


class QueueWorker(Worker):
    """Celery's worker; it remembers whether its queues were named."""

    follows_queues = False
    """Whether it takes from every queue."""

    excluded_queues: frozenset[str] = frozenset()

    def setup_queues(self, include: Any, exclude: Any = None) -> None:
        """Select the queues of ``-Q`` and ``-X``."""
        excluded = [*(str_to_list(exclude) or []), *split_list(get_settings().excluded_queues)]
        self.follows_queues = not include
        self.excluded_queues = frozenset(excluded)
        super().setup_queues(include, exclude if include else excluded)


class QueueFollower:
    """Lets a worker without ``-Q`` take from queues that have come to exist."""

    def __init__(self, worker: Any, store: Store) -> None:
        self.worker = worker
        self.store = store
        self.follows = getattr(worker, "follows_queues", False)
        self._is_warned = False

    def look(self) -> float:
        """One round; the seconds until the next."""
        consumer: Any = getattr(self.worker, "consumer", None)
        if not self.follows:
            return LOOK_SECONDS
        if not getattr(consumer, "task_consumer", None):
            return START_SECONDS
        if found := self.find_new(consumer):
            consumer.call_soon(consumer.take_from, found)
        return LOOK_SECONDS

    def find_new(self, consumer: Any) -> list[str]:
        """The queues that exist and that the worker is to take from, too."""
        taken = {queue.name for queue in consumer.task_consumer.queues}
        left_alone = self.worker.excluded_queues | consumer.cancelled_queues
        left_alone |= consumer.list_step_queues()
        found = [*self.store.run(queues.list_names()), *list_routed_queues(self.worker.app)]
        return self._limit([name for name in found if name not in taken | left_alone], taken)

    def _limit(self, names: list[str], taken: set[str]) -> list[str]:
        room = max(MAX_QUEUES - len(taken), 0)
        if len(names) > room and not self._is_warned:
            self._is_warned = True
            log.error(
                "there are more than %d queues: name those of this worker with -Q", MAX_QUEUES
            )
        return names[:room]


def list_routed_queues(app: Any) -> list[str]:
    """The queues in ``task_routes``: a plain Celery client sends there before Redis knows them."""
    maps = [route for route in app.amqp.router.routes if isinstance(route, MapRoute)]
    options = [each for route in maps for each in (*route.map.values(), *route.patterns.values())]
    found = [each if isinstance(each, str) else each.get("queue") for each in options]
    return [getattr(queue, "name", queue) for queue in found if queue]
