"""The invoice run of the guide: a package beside the platform, as somebody would write it."""

import email
import email.policy
import io
import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pytest

from tests.support.programs.processes import ROOT, list_children
from tests.support.programs.system import System
from tests.support.waiting import wait_until

EXAMPLES = ROOT / "examples"
RUN = json.loads((EXAMPLES / "invoices" / "run.json").read_text())
BOSS = "boss@example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system with the package."""
    system = System(tmp_path_factory.mktemp("billing") / "data")
    try:
        system.start(PYTHONPATH=str(EXAMPLES), CONTINUO_TASKS="invoices", LEASE_SECONDS="2")
        yield system
    finally:
        system.close()


def read_mails(system: System) -> list[EmailMessage]:
    """The mails in the sink."""
    paths = (system.folder / "outbox").rglob("*.eml")
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths
    ]


def read_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def find_question(system: System, customer: str) -> str | None:
    texts = (read_text(mail) for mail in read_mails(system) if mail["To"] == BOSS)
    return next((text for text in texts if f"Send {customer}" in text), None)


def read_rows(system: System, workflow_id: str) -> list[Any]:
    shown = system.http.get(f"/workflows/{workflow_id}", params={"node": "invoice"}).json()
    rows: list[Any] = shown["page"]
    return rows


def click(system: System, customer: str, button: str) -> None:
    """Follow a link of the mail that asks about a customer, and press the button of its page."""
    text = wait_until(lambda: find_question(system, customer), 30)
    (token,) = re.findall(rf"^{button}: \S+/s/(\S+)", text, re.MULTILINE)
    page = system.http.get(f"/s/{token}")
    assert page.status_code == 200
    assert button in page.text
    assert system.http.post(f"/s/{token}", headers=FORM, content="").status_code in (200, 303)


def kill_worker_processes(system: System) -> None:
    """Kill the processes in which jobs run, while those that ask somebody wait in none."""
    for pid in system.processes():
        if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes() and not list_children(pid):
            os.kill(pid, signal.SIGKILL)


def test_an_invoice_run_asks_writes_mails_and_sums_up(billing: System) -> None:
    made = billing.http.post("/workflows", json=RUN)
    assert made.status_code == 202, made.text
    workflow_id = made.json()["id"]
    wait_until(lambda: count(billing, workflow_id) == {"success": 3, "waiting": 2}, 60)
    wait_until(lambda: len(read_mails(billing)) == 5, 30)
    kill_worker_processes(billing)

    click(billing, "Hopper Compilers & Sons", "Send it")
    click(billing, "Noether Symmetries", "Do not send it")
    ended = wait_until(lambda: read_ended(billing, workflow_id), 60)

    assert ended["status"] == "success"
    total = 1_250 + 12_400.5 + 980.4 + 10_000
    summary = {"sent": 4, "declined": 1, "failed": 0, "total": total}
    assert ended["results"] == {"summary": summary}
    mails = wait_until(lambda: len(found := read_mails(billing)) == 7 and found, 30)
    people = ("ada", "grace", "alan", "hedy")
    assert Counter(mail["To"] for mail in mails) == {
        BOSS: 3,
        **{f"{each}@example.com": 1 for each in people},
    }
    check_summary(mails)
    check_invoice(mails)


def test_the_run_of_a_schedule_is_that_of_the_month_before(billing: System) -> None:
    order = json.loads(json.dumps(RUN).replace("2026-11", "{{ month before due }}"))
    body = {"order": {"kind": "workflow", **order}, "cron": "0 7 1 * *", "zone": "Europe/Berlin"}

    written = billing.http.put("/schedules/invoices", json=body)
    job = billing.http.post("/schedules/invoices/run").json()

    assert written.status_code == 201, written.text
    ended = wait_until(lambda: read_ended(billing, job["id"]), 60)
    last_month = datetime.now(ZoneInfo("Europe/Berlin")).replace(day=1) - timedelta(days=1)
    assert ended["name"] == f"invoices of {last_month:%Y-%m}"
    assert billing.wait_until_final("/tasks", job["id"])["status"] == "success"


def count(system: System, workflow_id: str) -> Counter[str]:
    return Counter(each["status"] for each in read_rows(system, workflow_id))


def read_ended(system: System, workflow_id: str) -> Any:
    shown = system.http.get(f"/workflows/{workflow_id}").json()
    return shown if shown.get("finished_at") else None


def check_summary(mails: list[EmailMessage]) -> None:
    (mail,) = [each for each in mails if each["Subject"].startswith("Invoices of 2026-11")]
    assert mail["Subject"] == "Invoices of 2026-11: 4 sent, 1 declined, 0 failed"
    assert "Noether Symmetries: 15,000.00 euros, declined" in read_text(mail)
    assert "24,630.90 euros." in read_text(mail)


def check_invoice(mails: list[EmailMessage]) -> None:
    (mail,) = [each for each in mails if each["To"] == "grace@example.com"]
    (attached,) = mail.iter_attachments()
    pdf = pypdf.PdfReader(io.BytesIO(attached.get_content()))
    text = pdf.pages[0].extract_text()
    assert attached.get_filename() == "invoice-2026-11-1002.pdf"
    assert len(pdf.pages) == 1
    for shown in ("Invoice 2026-11-1002", "Hopper Compilers & Sons", "EUR 12,400.50"):
        assert shown in text
