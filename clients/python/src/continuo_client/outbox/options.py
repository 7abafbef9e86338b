"""What an order in the outbox says, checked before it becomes a row."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from continuo_client.orders import OrderOptions

ENCODER = msgspec.json.Encoder(decimal_format="number")


class OutboxOptions(OrderOptions, total=False):
    """What an order in the outbox may say: as over HTTP.

    ``delay`` and ``expires`` count from the order, by the clock of PostgreSQL. ``lane`` is where
    the job waits within its queue, ``max_retries`` the maximum number of attempts. With
    ``store_result`` workers write into the table ``continuo_results`` how the job ended.
    """

    lane: str
    max_retries: int
    store_result: bool


class Row(NamedTuple):
    """An order as the function ``continuo_enqueue`` takes it: a kind and two JSON objects."""

    kind: str
    payload: str
    options: str


def build_row(kind: str, payload: Any, options: Mapping[str, Any]) -> Row:
    """Build the row of an order.

    ``payload`` is a dict, a dataclass or a msgspec ``Struct``. Raises ``TypeError`` for an unknown
    option and for what JSON cannot express. Workers check the values.
    """
    allowed = sorted(OutboxOptions.__annotations__ | OrderOptions.__annotations__)
    if unknown := sorted(options.keys() - set(allowed)):
        raise TypeError(f"{unknown[0]} is not an option of an order; use {', '.join(allowed)}")
    fields = msgspec.to_builtins({} if payload is None else payload, builtin_types=(Decimal,))
    if not isinstance(fields, Mapping):
        raise TypeError(f"the payload of {kind} must be a dict, a dataclass or a Struct")
    return Row(kind, ENCODER.encode(fields).decode(), ENCODER.encode(options).decode())
