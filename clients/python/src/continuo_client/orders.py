"""Orders: a kind, its payload, and what every order may say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar, Unpack

import msgspec

R = TypeVar("R")

SHIPPED_PATHS = {
    "report": "/reports",
    "export": "/exports",
    "email_blast": "/emails",
    "webhook": "/webhooks",
}
"""The paths of the kinds that come with Continuo; ``GET /kinds`` names the others."""


class Unique(TypedDict):
    """Only one job of its kind has this ``key``: while unfinished or queued, or for seconds.

    ``mode`` is ``first``, ``last``, ``debounce(30)`` or ``throttle(30)``, in seconds.
    """

    key: str
    during: NotRequired[Literal["unfinished", "queued"] | float]
    on_conflict: NotRequired[Literal["return", "reject"]]
    mode: NotRequired[str]


class OrderOptions(TypedDict, total=False):
    """What every order may say.

    ``delay`` and ``expires`` are seconds from now, ``run_at`` is in seconds since 1970, 0 is the
    first ``priority``, 9 the last.
    """

    delay: float
    run_at: float
    expires: float
    priority: int
    tags: list[str]
    unique: Unique
    callback_url: str


@dataclass(frozen=True)
class Order(Generic[R]):
    """A job to order, whose result is an ``R``.

    ``payload`` has the fields of the kind: a dict, a dataclass or a msgspec ``Struct``. ``path`` is
    where the kind is ordered; "" asks the API.
    """

    kind: str
    payload: Any = field(default_factory=dict)
    path: str = ""
    options: OrderOptions = field(default_factory=OrderOptions)

    def with_options(self, **options: Unpack[OrderOptions]) -> "Order[R]":
        """The same order with these options, and those that it has already."""
        return replace(self, options={**self.options, **options})

    def build_body(self) -> dict[str, Any]:
        """The body of the request. Raises ``TypeError`` for a payload that is no object."""
        payload = msgspec.to_builtins(self.payload, builtin_types=(Decimal,))
        if not isinstance(payload, Mapping):
            raise TypeError(f"the payload of {self.kind} must be a dict, a dataclass or a Struct")
        return {**payload, **self.options}
