"""The kinds of the invoice run: list the customers, invoice each, sum up."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from project.celery import app
from tasks.emails.own_mail import send_mail

FOLDER = Path(__file__).parent
MAX_WITHOUT_APPROVAL = 10_000
APPROVAL_TIME = timedelta(days=7)
ANSWERS = {"Send it": True, "Do not send it": False}

type Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}$")]


class Customer(msgspec.Struct):
    """Who gets an invoice, and about how much in euros."""

    id: str
    name: str
    email: str
    total: float


class Invoice(msgspec.Struct):
    """What became of the invoice of a customer; ``pdf`` is its link."""

    customer: str
    total: float
    status: Literal["sent", "declined"]
    pdf: str = ""


class Summary(msgspec.Struct):
    """How many invoices were sent, declined and failed, and the euros of those that were sent."""

    sent: int
    declined: int
    failed: int
    total: float


@app.task(name="list_customers", http="/invoicing/customers")
def list_customers(month: Month) -> list[Customer]:
    """List the customers who get an invoice for a month: from a file, where you have a database."""
    with (FOLDER / "customers.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["month"] == month]
    return [msgspec.convert(row, Customer, strict=False) for row in rows]


@app.retried_task(name="make_invoice", http="/invoicing/invoices")
def make_invoice(self: Any, customer: Customer, month: Month, approver: str) -> Invoice:
    """Write the invoice of a customer and mail it; above 10,000 euros, once it is approved."""
    if customer.total > MAX_WITHOUT_APPROVAL and not is_approved(self, customer, month, approver):
        return Invoice(customer.name, customer.total, "declined")
    with self.artifact(f"invoice-{month}-{customer.id}.pdf") as file:
        write_pdf(file.path, customer, month)
    send_mail(
        self,
        "invoice",
        to=customer.email,
        subject=f"Your invoice for {month}",
        text=f"Hello {customer.name},\n\nyour invoice of {customer.total:,.2f} euros is attached.",
        attachments=[file.result["download_url"]],
    )
    return Invoice(customer.name, customer.total, "sent", file.result["download_url"])


def is_approved(job: Any, customer: Customer, month: str, approver: str) -> bool:
    """Ask the approver by mail, and wait for the answer without a worker."""
    question = f"Send {customer.name} an invoice of {customer.total:,.2f} euros for {month}?"
    yes, no = (
        job.signal_link("approval", value, question=question, button=button)
        for button, value in ANSWERS.items()
    )
    send_mail(
        job,
        "question",
        to=approver,
        subject=f"Approve the invoice of {customer.name}?",
        text=f"{question}\n\nSend it: {yes}\n\nDo not send it: {no}",
    )
    answer: bool = job.wait(
        "approval",
        timeout=APPROVAL_TIME,
        type=bool,
        default=False,
        question=question,
        choices=ANSWERS,
    )
    return answer


def write_pdf(path: Path, customer: Customer, month: str) -> None:
    """Write the invoice; the same customer and month give the same bytes."""
    import typst  # here, as it does not survive a fork

    values = {
        "number": f"{month}-{customer.id}",
        "name": customer.name,
        "email": customer.email,
        "month": month,
        "total": f"{customer.total:,.2f}",
    }
    typst.compile(FOLDER / "invoice.typ", output=path, sys_inputs=values)


@app.retried_task(name="sum_up_invoices", http="/invoicing/summaries")
def sum_up(self: Any, invoices: list[Invoice | None], month: Month, to: str) -> Summary:
    """Mail what became of the invoices of a month; one that failed is null."""
    there = [each for each in invoices if each]
    sent = [each for each in there if each.status == "sent"]
    summary = Summary(
        sent=len(sent),
        declined=len(there) - len(sent),
        failed=len(invoices) - len(there),
        total=round(sum(each.total for each in sent), 2),
    )
    lines = [f"{each.customer}: {each.total:,.2f} euros, {each.status}" for each in there]
    counts = f"{summary.sent} sent, {summary.declined} declined, {summary.failed} failed"
    text = "\n".join([*lines, "", f"{counts}; {summary.total:,.2f} euros."])
    send_mail(self, "summary", to=to, subject=f"Invoices of {month}: {counts}", text=text)
    return summary
