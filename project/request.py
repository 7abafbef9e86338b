"""A message in a worker's hands, as its main process sees it."""

from itertools import count
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from celery.utils.log import get_logger
from celery.worker.request import Request

from project import moves
from project.moves import Fate
from project.pool import MemoryWatch

log = get_logger(__name__)

MEMORY = MemoryWatch()
DELIVERIES = count(1)


class JobRequest(Request):
    """Knows its delivery, and what to do when its process dies or it is to be stopped."""

    cause = ""

    def __init__(self, message: Any, **about: Any) -> None:
        super().__init__(message, **about)
        # RabbitMQ counts anew on each connection, while jobs of the last one may still run
        delivery = f"r{next(DELIVERIES)}" if self.app.relay else message.delivery_tag
        self.request_dict["delivery"] = delivery

    @property
    def token(self) -> str:
        """Who runs it, as told with every move."""
        token: str = self.app.attempt_token(self._context)
        return token

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """Remember what ended the attempt: it is told when the message goes back."""
        exc = exc_info.exception
        lost = exc.exc if isinstance(exc, ExceptionWithTraceback) else exc
        self.cause = MEMORY.explain(str(lost))
        super().on_failure(exc_info, send_failed_event, return_ok)

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """Cancel the job: Flower's button and ``revoke(terminate=True)`` come here."""
        self.app.store.run(moves.cancel(self.id))

    def reject(self, requeue: bool = False) -> None:
        """Give the job back when its process died: counted, and not for ever."""
        if not requeue:
            super().reject(requeue)
            return
        fate = self.app.store.run(moves.interrupt(self.id, token=self.token, cause=self.cause))
        log.warning("job %s: attempt lost (%s), message %s", self.id, self.cause, fate)
        if fate is Fate.RETURNED:
            super().reject(requeue=True)
        else:
            self.acknowledge()
