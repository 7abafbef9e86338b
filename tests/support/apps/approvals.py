"""A kind that a person approves: ordered over HTTP, as in the guide about steps."""

from dataclasses import dataclass
from typing import Any

import redis

from project.celery import app
from project.settings.values import get_settings


@dataclass
class Approval:
    """What the approver says."""

    approved: bool
    by: str = ""


def send_links(job_id: str, links: list[str]) -> None:
    """Stands for a mail to the approver: puts the links where the test looks."""
    with redis.Redis.from_url(get_settings().store_url) as client:
        client.rpush(f"tests:links:{job_id}", *links)


@app.task(name="pay_invoice", bind=True, http="/payments")
def pay_invoice(self: Any, total: float, timeout: float = 600) -> dict[str, Any]:
    """Pay an invoice after an approval."""
    links = [
        self.signal_link("approval", {"approved": True}, button="Pay"),
        self.signal_link("approval", {"approved": False}, button="Refuse"),
    ]
    self.step("mail", send_links, self.request.id, links)
    answer = self.wait(
        "approval",
        timeout=timeout,
        type=Approval,
        question=f"Pay {total:,.2f} € & more?",
        choices={"Pay": {"approved": True}, "Refuse": {"approved": False}},
    )
    return {"approved": answer.approved, "by": answer.by}
