"""A mailing runs in slices of some seconds, so that other jobs get their turn.

The mailing's own job leads; on a large mailing it enqueues helpers. Each slice takes a chunk of
recipients, mails it, puts it back and takes the next. When the time is up, or when every chunk has
to wait, the slice ends and the job is postponed, which counts as no attempt. All that is known
between two slices is in Redis: see ``mailing.Mailing``.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from celery.exceptions import Ignore

from project.celery import app
from project.errors import PermanentError, TransientError
from project.job.bulk import enqueue_many
from project.job.task import Job
from project.store.commands import queries
from tasks.emails.delivery import attempt
from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing, TakeResult
from tasks.emails.delivery.order import MailingOrder
from tasks.emails.delivery.report import build_result, format_leftover_error, report_progress
from tasks.emails.settings import get_mail_settings

RETURN_DELAY_SECONDS = 1.0
MAX_WAIT_SECONDS = 10.0
PAUSED_SECONDS = 3_600.0


def run_leader_slice(job: Job, order: MailingOrder, helper: Job) -> dict[str, Any]:
    """Run a slice of the mailing's own job; its result when every recipient has an outcome.

    Otherwise the job is postponed. Raises ``PermanentError`` when the server has put recipients
    off too often, and for a mailing that was never started.
    """
    record = app.store.run(queries.read_record(order.job_id))
    order = replace(order, tenant=(record and record.tenant) or "")
    mailing = Mailing(order, LedgerStore(app.store.client))
    mailing.require_recipients()
    end = mail_beside_helpers(job, mailing, helper)
    tally = mailing.read_tally()
    report_progress(job, order, tally)
    if end.how == "left":
        raise PermanentError(format_leftover_error(tally, attempt.MAX_TRIES))
    if end.how == "over":
        job.checkpoint()
        raise Ignore
    if end.how != "done":
        job.postpone(PAUSED_SECONDS if end.how == "paused" else min(end.wait, MAX_WAIT_SECONDS))
    mailing.expire()
    return build_result(order, tally)


def mail_beside_helpers(job: Job, mailing: Mailing, helper: Job) -> TakeResult:
    """Enqueue helpers for the free chunks and mail one chunk after the other."""
    if not mailing.open(job.request.retries):
        return TakeResult("paused")
    current = MailingSlice(mailing, partial(report_progress, job, mailing.order))
    taken = mailing.take_chunk()
    if taken.free:
        enqueue_helpers(job, helper, taken.free)
    return current.work() if taken.how == "chunk" else taken


def run_helper_slice(job: Job, mailing_id: str) -> str:
    """Run a slice of a helper; why it ended. The mailing's own job handles the failures."""
    record = app.store.run(queries.read_record(mailing_id))
    if record is None or record.is_final:
        return "over"
    args, kwargs = app.store.run(queries.read_payload(mailing_id))
    order = replace(MailingOrder(mailing_id, *args, **kwargs), tenant=record.tenant or "")
    current = MailingSlice(Mailing(order, LedgerStore(app.store.client), job.request.id))
    try:
        return current.work().how
    except (TransientError, PermanentError) as problem:
        current.return_held_chunk(RETURN_DELAY_SECONDS)
        return f"{type(problem).__name__}: {problem}"


def enqueue_helpers(job: Job, helper: Job, free: int) -> None:
    """Enqueue a helper for each of the ``free`` chunks, on the queue of the job."""
    count = min(free, get_mail_settings().mail_workers - 1)
    delivery = job.request.delivery_info or {}
    options = {name: delivery[name] for name in ("routing_key", "priority") if delivery.get(name)}
    queue = options.pop("routing_key", "")
    if queue and queue != app.conf.task_default_queue:
        options["queue"] = queue
    enqueue_many(helper.s(blast=job.request.id).set(**options) for _ in range(count))
