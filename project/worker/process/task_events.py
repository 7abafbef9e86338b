"""Celery's task events of one pool process, in batches: Flower and others listen to them."""

import logging
import os
import time
from typing import Any

from celery import states
from celery.app.trace import trace_ok_t
from celery.events.event import Event, get_exchange
from celery.utils.time import utcoffset
from kombu import Producer
from kombu.utils.encoding import safe_repr, safe_str

from project.worker.process.received import Received

log = logging.getLogger(__name__)

MAX_BATCH = 100
MAX_DELAY_SECONDS = 0.2
"""Seconds an event waits for others; fewer messages cost the worker and the listener less."""


class TaskEvents:
    """Collects events while somebody listens; ``enabled`` says whether somebody does.

    A batch that cannot be published is dropped: events tell, they do not decide.
    """

    def __init__(self, app: Any, hostname: str) -> None:
        self.enabled = False
        self._app = app
        self._hostname = hostname
        self._pid = os.getpid()
        self._events: list[dict[str, Any]] = []
        self._flush_at = 0.0
        self._connection: Any = None
        self._producer: Any = None

    def send(self, type: str, **fields: Any) -> None:  # noqa: A002 - Celery's name
        """Add an event to the batch."""
        if not self.enabled:
            return
        about = {"hostname": self._hostname, "utcoffset": utcoffset(), "pid": self._pid}
        self._events.append(Event(type, clock=self._app.clock.forward(), **about, **fields))
        now = time.monotonic()
        if len(self._events) == 1:
            self._flush_at = now + MAX_DELAY_SECONDS
        elif len(self._events) >= MAX_BATCH or now >= self._flush_at:
            self.flush()

    def send_received(self, received: Received) -> None:
        """``task-received``, with what Celery says in it."""
        if not self.enabled:
            return
        headers = received.headers
        self.send(
            "task-received",
            uuid=received.job_id,
            name=received.kind,
            args=headers.get("argsrepr") or "",
            kwargs=headers.get("kwargsrepr") or "",
            root_id=headers.get("root_id"),
            parent_id=headers.get("parent_id"),
            retries=received.retries,
            eta=headers.get("eta"),
            expires=headers.get("expires"),
        )

    def send_outcome(self, job_id: str, answer: trace_ok_t) -> None:
        """``task-succeeded``, ``-failed``, ``-retried`` or ``-rejected``."""
        if not self.enabled:
            return
        info = answer.info
        if info is None:
            self.send("task-succeeded", uuid=job_id, result=answer.retstr, runtime=answer.runtime)
        elif info.state == states.RETRY:
            reason = info.retval
            self.send("task-retried", uuid=job_id, **_error(reason.exc, answer.retval))
        elif info.state == states.FAILURE:
            self.send("task-failed", uuid=job_id, **_error(info.retval, answer.retval))
        elif info.state == states.REJECTED:
            self.send("task-rejected", uuid=job_id, requeue=info.retval.requeue)

    def flush(self) -> None:
        """Publish the batch, if there is one."""
        if not self._events:
            return
        events, self._events = self._events, []
        try:
            self._open().publish(
                events,
                routing_key="task.multi",
                serializer=self._app.conf.event_serializer,
                headers={"hostname": self._hostname},
                delivery_mode=1,
                retry=False,
            )
        except Exception as problem:  # noqa: BLE001 - whatever happens to events, jobs go on
            log.warning("%d task events dropped: %s", len(events), problem)
            self._close()

    def _open(self) -> Any:
        if self._producer is None:
            self._connection = self._app.connection_for_write()
            exchange = get_exchange(self._connection, name=self._app.conf.event_exchange)
            self._producer = Producer(self._connection, exchange=exchange)
        return self._producer

    def _close(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collapse()


def _error(problem: Any, einfo: Any) -> dict[str, str]:
    return {
        "exception": safe_repr(problem),
        "traceback": safe_str(getattr(einfo, "traceback", einfo)),
    }
