"""Typed kinds of a user, for ``python -m benchmarks.typed_kinds``."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from project.celery import app


class Line(msgspec.Struct):
    """One line of an invoice."""

    text: str
    amount: Annotated[float, msgspec.Meta(ge=0)]


class InvoiceOrder(msgspec.Struct):
    """What an invoice is about."""

    customer: str
    lines: list[Line]
    due: date | None = None


@app.task(name="bench.invoice", http="/bench/invoices")
def make_invoice(order: InvoiceOrder) -> dict[str, float]:
    """Write an invoice."""
    return {"total": sum(line.amount for line in order.lines)}


@app.task(name="bench.table", http="/bench/tables")
def make_table(
    type: str = "summary",  # noqa: A002 - as reports have it
    filters: dict[str, Any] | None = None,
    format: Literal["pdf", "csv"] = "pdf",  # noqa: A002 - the same
) -> None:
    """Take what a report takes."""
