"""Quotas of tenants and keys, asked before orders are enqueued."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from api.http.problems import Problem
from api.http.routing import Request
from project.celery import app
from project.errors import StoreUnavailable
from project.settings.quotas import get_quota_settings
from project.store.commands import quotas

AGAIN_SECONDS = 10
"""Seconds in ``Retry-After`` when too many jobs wait: nobody knows when they will have started."""


async def require_quota(request: Request, count: int) -> None:
    """Raise ``Problem`` 429 when these orders are more than the quota of the caller allows."""
    quota = get_quota_settings().find(request.tenant, request.api_key.name)
    if not count or (quota.pending is None and quota.daily is None):
        return
    command = quotas.admit_orders(find_holder(request), request.tenant, count, quota)
    verdict = await app.async_store.run(command)
    if verdict.refused_by == "pending":
        detail = f"{verdict.used} jobs wait, and {quota.pending} may"
        raise build_refusal("pending", detail, AGAIN_SECONDS)
    if verdict.refused_by:
        detail = (
            f"{verdict.used} jobs were ordered today, and {quota.daily} may be, until 24:00 UTC"
        )
        raise build_refusal("daily", detail, verdict.day_left)


async def note_orders(request: Request, job_ids: Sequence[str]) -> None:
    """Count new jobs for the quota of a key; the jobs of a tenant are counted by themselves.

    The jobs are there already, so that what goes wrong here is no reason to refuse the order.
    """
    quota = get_quota_settings().find(request.tenant, request.api_key.name)
    if request.tenant or quota.pending is None or not job_ids:
        return
    with suppress(StoreUnavailable):
        await app.async_store.run(quotas.note_orders(find_holder(request), job_ids))


def find_holder(request: Request) -> str:
    """Whose quota it is: a tenant's, or that of a key without one."""
    return request.tenant or f"key/{request.api_key.name}"


def require_small_order(request: Request, order: Any) -> None:
    """Raise ``Problem`` 413 when one order is larger than the quota of the caller allows."""
    most = get_quota_settings().find(request.tenant, request.api_key.name).payload
    if most is None:
        return
    size = len(msgspec.json.encode(order))
    if size > most:
        raise Problem(413, f"The order has {size} bytes, and the quota payload allows {most}")


def build_refusal(name: str, detail: str, seconds: int) -> Problem:
    """The problem of orders that are more than a quota allows; it says until when."""
    headers = {"Retry-After": str(seconds)}
    return Problem(429, f"The quota {name} is used up: {detail}", headers=headers)
