"""Commands of quotas: admit orders, and count those of keys without a tenant."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from project.settings.quotas import Quota
from project.store.commands.command import Command


class QuotaVerdict(NamedTuple):
    """Which quota refuses the orders, "" for none.

    ``used``: how many jobs count already; ``day_left``: the seconds until the day ends (UTC).
    """

    refused_by: str
    used: int
    day_left: int


def admit_orders(holder: str, tenant: str, count: int, quota: Quota) -> Command[QuotaVerdict]:
    """Admit orders of ``count`` jobs, all or none; those admitted count for the day."""
    pending, daily = ("" if most is None else most for most in (quota.pending, quota.daily))

    def parse(answer: list[Any]) -> QuotaVerdict:
        refused_by, used, day_left = answer
        return QuotaVerdict(refused_by.decode(), used, day_left)

    return Command("quotas/admit", (holder, tenant, count, pending, daily), parse)


def note_orders(holder: str, job_ids: Sequence[str]) -> Command[bool]:
    """Count these jobs for the quota ``pending`` of a key without a tenant while they wait."""
    return Command("quotas/note", (holder, *job_ids), bool)
