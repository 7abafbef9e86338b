"""Jobs that a running job enqueues once, however often it is attempted."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from project.errors import DuplicateJob
from project.job.running.own_record import read_tenant


def enqueue_follow_up(job: Any, kind: str, name: str, kwargs: Mapping[str, Any]) -> str:
    """Enqueue a job of ``kind``, one for each ``name``; return its id.

    The id is derived from the id of ``job`` and the name, so a later attempt enqueues no second
    one. The job belongs to the tenant of ``job``. Raises ``StoreUnavailable``.
    """
    job_id = job.request.id or str(uuid4())
    new_id = str(uuid5(NAMESPACE_OID, f"{name} {job_id}"))
    message = job.app.kind(kind).message(kwargs=dict(kwargs), task_id=new_id)
    with suppress(DuplicateJob):
        job.app.enqueue(message.owned_by(read_tenant(job)))
    return new_id
