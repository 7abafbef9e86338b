"""A row of an outbox becomes the message of a job."""

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from project.errors import InvalidField
from project.messages.order_fields import OrderFields, Unique
from project.payload.payload import convert_all
from project.schedules.jobs import find_kind
from project.store.commands.message import ID_PLACEHOLDER, Message

OUTCOME_KIND = "outcome"
"""The kind of the jobs that write the end of another job into the database of its outbox."""


class OutboxRow(NamedTuple):
    """A row: ``payload`` is None when it is too large, ``age`` the seconds since the order."""

    seq: int
    id: str
    kind: str
    payload: str | None
    options: str
    age: float


class RowOptions(OrderFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options of a row: those of an order over HTTP, and whether the end is written back."""

    max_retries: int | None = None
    store_result: bool = False


class RowOrder(NamedTuple):
    """What a row orders: a message, and the unique key if it has one."""

    message: Message
    unique: Unique | None


def build_order(app: Any, row: OutboxRow, outbox: str, max_bytes: int) -> RowOrder:
    """Build what a row orders. Raises ``InvalidField`` and whatever the check of a kind raises."""
    if row.payload is None:
        raise InvalidField("payload", f"is too large: at most {max_bytes} bytes are allowed")
    task = find_kind(app, row.kind)
    options = convert_all(msgspec.json.decode(row.options), RowOptions)
    message = task.message(
        kwargs=build_arguments(task, row.payload),
        task_id=row.id,
        **build_call_options(options, row.age),
    )
    if options.unique:
        options.unique.to_key()  # says what is wrong while the row can still be refused by itself
    if options.store_result:
        message = message._replace(callback=build_outcome(app, options, outbox))
    return RowOrder(message, options.unique)


def build_outcome(app: Any, options: RowOptions, outbox: str) -> Message:
    """The message of the job that writes back how the ordered one ended."""
    if options.callback_url is not None:
        raise InvalidField("store_result", "cannot be given together with callback_url")
    task = find_kind(app, OUTCOME_KIND)
    message: Message = task.message(kwargs={"outbox": outbox}, task_id=ID_PLACEHOLDER)
    return message


def build_arguments(task: Any, payload: str) -> dict[str, Any]:
    """The arguments of the job: for a typed kind the fields that an order over HTTP has."""
    if task.payload is None:
        arguments: dict[str, Any] = msgspec.json.decode(payload)
        return arguments
    hook = Decimal if task.offer.keeps_decimals else None
    fields = msgspec.json.Decoder(float_hook=hook).decode(payload)
    checked: dict[str, Any] = task.payload.dump_fields(fields)
    return checked


def build_call_options(options: RowOptions, age: float) -> dict[str, Any]:
    """The options of the call; seconds that a row gives count from its order."""
    call = options.options()
    if "countdown" in call:
        call["countdown"] = max(call["countdown"] - age, 0.0)
    if "expires" in call:
        call["expires"] -= age
    if options.max_retries is not None:
        call["max_retries"] = options.max_retries
    return call
