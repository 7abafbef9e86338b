"""Quotas: how much the API takes from a tenant, or from a key without one."""

import re
from functools import cached_property
from typing import NamedTuple

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings

EVERYBODY = "*"
"""The quota of those who have none of their own."""

MAX_NUMBER = 1_000_000_000
_ENTRY = re.compile(r"(?P<holder>\*|[^\s:,=*]+):(?P<parts>[a-z]+=[0-9]+(?:,[a-z]+=[0-9]+)*)")


class Quota(NamedTuple):
    """The most that is taken: None is no bound.

    ``pending``: jobs of a tenant that wait. ``daily``: jobs ordered in a day (UTC). ``payload``:
    bytes of one order as JSON.
    """

    pending: int | None = None
    daily: int | None = None
    payload: int | None = None


class QuotaSettings(SettingsGroup):
    """The quotas."""

    quotas: str = Field(
        "",
        validation_alias="CONTINUO_QUOTAS",
        description="tenant:pending=N,daily=N,payload=BYTES, separated by spaces; a key's name for "
        "keys without a tenant, *: all others.",
    )

    @field_validator("quotas")
    @classmethod
    def _are_quotas(cls, text: str) -> str:
        parse_quotas(text)
        return text

    @cached_property
    def by_holder(self) -> dict[str, Quota]:
        """The quotas by tenant or key."""
        return parse_quotas(self.quotas)

    def find(self, tenant: str, key: str) -> Quota:
        """The quota of a tenant, or of a key when it has no tenant."""
        own = self.by_holder.get(tenant or key)
        return own or self.by_holder.get(EVERYBODY, Quota())


def get_quota_settings() -> QuotaSettings:
    """The quotas. Raises ``ValidationError``."""
    return read_settings(QuotaSettings)


def parse_quotas(text: str) -> dict[str, Quota]:
    """Parse quotas. Raises ``ValueError``."""
    quotas: dict[str, Quota] = {}
    for entry in text.split():
        found = _ENTRY.fullmatch(entry)
        parts = [part.partition("=") for part in found["parts"].split(",")] if found else []
        bounds = {name: int(number) for name, _, number in parts}
        is_known = bounds.keys() <= set(Quota._fields) and len(bounds) == len(parts)
        if not found or not is_known or max(bounds.values()) > MAX_NUMBER:
            raise ValueError(
                f"{entry!r} must be name:pending=N,daily=N,payload=BYTES, with at least one of the "
                f"three, each at most {MAX_NUMBER}"
            )
        if found["holder"] in quotas:
            raise ValueError(f"{found['holder']!r} is given twice")
        quotas[found["holder"]] = Quota(**bounds)
    return quotas
