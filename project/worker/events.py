"""Celery's events, for Flower and whoever else watches: told once, or not at all.

Celery tries again until an event is through. A heartbeat that does so while the
broker is silent keeps the worker's loop from noticing, so it would come back late.
"""

from typing import Any

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher


class BriefDispatcher(EventDispatcher):
    """Publishes without trying again."""

    def publish(self, *args: Any, **kwargs: Any) -> Any:
        """Publish an event; ``retry`` is not heard."""
        return super().publish(*args, **kwargs | {"retry": False})


class BriefEvents(Events):
    """``Continuo.events_cls``."""

    dispatcher_cls = "project.worker.events:BriefDispatcher"
