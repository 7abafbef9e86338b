"""The kind ``outcome``: writes how a job ended into the database that ordered it.

May import: project, no other kind.
"""

from typing import Any

from project.celery import app
from project.errors import PermanentError
from project.relay.orders import OUTCOME_KIND
from project.relay.results import store_ending
from project.store.commands import callbacks

MAX_ATTEMPTS = 500
MAX_DELAY_SECONDS = 600.0
"""With these, attempts go on for three days."""


@app.task(name=OUTCOME_KIND, bind=True, max_retries=MAX_ATTEMPTS, repeats=True)
def store_outcome(self: Any, outbox: str) -> None:
    """Write the end that this job reports into ``continuo_results`` of an outbox."""
    ending = app.store.run(callbacks.read_delivery(self.request.id, ""))
    if ending is None:
        raise PermanentError("only the end of a job has an outcome; there is nothing to write")
    try:
        store_ending(outbox, ending)
    except Exception as error:
        delay = min(2.0 ** min(self.request.retries, 10), MAX_DELAY_SECONDS)
        raise self.retry(exc=error, countdown=delay) from error
