"""Typed kinds."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from pydantic import BaseModel, Field

from project.celery import app
from project.errors import InvalidField

type Amount = Annotated[float, msgspec.Meta(ge=0, description="In euros.")]


class Line(msgspec.Struct):
    """One line of an invoice."""

    text: str
    amount: Amount


class InvoiceOrder(msgspec.Struct):
    """What an invoice is about."""

    customer: Annotated[str, msgspec.Meta(min_length=1, description="Who pays.")]
    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    due: date | None = None


@dataclass
class Invoice:
    """A finished invoice."""

    customer: str
    total: float
    due: date


def check_customer(order: InvoiceOrder) -> None:
    """Only customers in capitals have an account."""
    if order.customer.islower():
        raise InvalidField("order.customer", f"{order.customer} has no account")


@app.task(name="invoice", http="/invoices", check=check_customer)
def make_invoice(order: InvoiceOrder) -> Invoice:
    """Write an invoice."""
    total = round(sum(line.amount for line in order.lines), 2)
    return Invoice(order.customer, total, order.due or date(2026, 12, 31))


@app.retried_task(name="billing.remind", http="/billing/reminders", bind=True)
def remind(
    self: Any, customer: str, tone: Literal["kind", "firm"] = "kind", days: tuple[int, ...] = (7,)
) -> dict[str, Any]:
    """Remind a customer."""
    return {"job": self.request.id, "customer": customer, "tone": tone, "days": days}


class Address(TypedDict):
    """Where a parcel goes."""

    street: str
    zip: Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")]


@app.task(name="parcel", http="/parcels")
async def send_parcel(address: Address, weight: float = 1.0) -> float:
    """Send a parcel."""
    assert isinstance(address, dict)
    return weight


class Booking(BaseModel):
    """A booking, as pydantic describes it."""

    room: str = Field(min_length=2)
    nights: int = Field(ge=1)


@app.task(name="booking", http="/bookings")
def book(booking: Booking) -> Booking:
    """Book a room."""
    return booking.model_copy(update={"nights": booking.nights + 1})


class Meter(msgspec.Struct, rename="camel"):
    """A meter, with other names in JSON."""

    meter_id: str
    last_value: int = 0


@app.task(name="reading", http="/readings")
def read_meter(meter: Meter) -> Meter:
    """Read a meter."""
    return Meter(meter.meter_id, meter.last_value + 1)


@app.task(name="liar", typed=True)
def lie(number: int) -> int:
    """Return another type than it says."""
    return "no number"  # type: ignore[return-value]
