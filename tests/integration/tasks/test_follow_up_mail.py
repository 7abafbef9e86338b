"""Reports and exports that are mailed when they are done: by real workers, over SMTP."""

import email
import email.policy
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from project.celery import app
from project.records.record import TaskRecord
from tasks.exports import export_rows
from tasks.reports import generate_report
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.servers.scripted_smtp import ScriptedSmtpServer

LEGAL = {"department": "legal", "month": "2026-05"}
MAY = {"month": "2026-05"}
NEVER = {"month": "2030-01"}
ADA, GRACE = "ada@example.com", "grace@example.com"


LIMIT = 200_000
"""Bytes of the largest file that is attached here."""


@pytest.fixture(scope="module")
def office(worker_pool: Workers) -> Iterator[ScriptedSmtpServer]:
    """A mail server and a worker that mails over it."""
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        url = f"smtp://127.0.0.1:{scripted.server_address[1]}"
        worker_pool.start("--concurrency=2", SMTP_URL=url, CONTINUO_ATTACH_BYTES=str(LIMIT)).ready()
        yield scripted
        worker_pool.stop()
        scripted.shutdown()
        thread.join(10)


@pytest.fixture
def server(office: ScriptedSmtpServer) -> ScriptedSmtpServer:
    """The mail server, which has taken nothing yet."""
    office.taken.clear()
    return office


def report(filters: dict[str, Any], **mail: Any) -> str:
    said = {"type": "monthly", "filters": filters, "mail": mail}
    return str(generate_report.apply_async(kwargs=said).id)


def wait_for_mails(
    inspector: JobInspector, job_id: str, server: ScriptedSmtpServer
) -> tuple[TaskRecord, list[EmailMessage]]:
    """The record of a report, and the mails that went out when its blast was done."""
    record = inspector.wait_until_final(job_id, 60)
    assert (record.status, record.error) == ("success", "")
    blast = inspector.wait_until_final(record.result["mail_id"])
    assert (blast.kind, blast.status, blast.error) == ("email_blast", "success", "")
    messages = [
        email.message_from_bytes(raw, policy=email.policy.default) for _, raw in server.taken
    ]
    return record, [message for message in messages if isinstance(message, EmailMessage)]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_report_is_mailed_to_each_recipient_as_link_and_attachment(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    record, messages = wait_for_mails(inspector, report(LEGAL, to=[ADA, GRACE]), server)
    assert server.times == Counter([ADA, GRACE])
    for message in messages:
        assert message["Subject"] == "Monthly spend"
        (file,) = message.iter_attachments()
        assert (file.get_filename(), file.get_content_type()) == (
            record.result["filename"],
            "application/pdf",
        )
        assert len(file.get_content()) == record.result["size"]
        text = text_of(message)
        assert record.result["download_url"] in text
        for line in (
            "Covers: May 2026",
            "Department: Legal",
            f"Made from: {record.result['rows_processed']} rows",
            f"{record.result['pages']} pages",
        ):
            assert line in text


def test_a_file_over_the_limit_is_only_linked(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    record, (message,) = wait_for_mails(
        inspector, report(MAY, to=[ADA], subject="For Ada: zł"), server
    )

    assert message["Subject"] == "For Ada: zł"
    assert list(message.iter_attachments()) == []
    assert "attached" not in text_of(message)
    assert record.result["download_url"] in text_of(message)


def test_nothing_is_attached_when_the_order_says_so(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    _, (message,) = wait_for_mails(inspector, report(LEGAL, to=[ADA], attach=False), server)
    assert list(message.iter_attachments()) == []


def test_an_empty_report_is_mailed_unless_the_order_skips_it(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    skipped = inspector.wait_until_final(report(NEVER, to=[ADA], skip_empty=True), 60)
    assert (skipped.result["rows_processed"], skipped.result["mail_id"]) == (0, None)

    _, (message,) = wait_for_mails(inspector, report(NEVER, to=[GRACE]), server)
    assert "nothing in the data matches" in text_of(message)
    assert server.times == Counter([GRACE])


def test_an_export_can_be_mailed(server: ScriptedSmtpServer, inspector: JobInspector) -> None:
    said = {"source": "spend", "query": "invoices", "filters": LEGAL, "format": "csv"}
    job = export_rows.apply_async(kwargs={**said, "mail": {"to": [ADA]}})
    record, (message,) = wait_for_mails(inspector, job.id, server)

    (file,) = message.iter_attachments()

    assert file.get_content().count("\n") == record.result["rows"] + 1
    assert "Month: 2026-05" in text_of(message)


def test_the_mail_about_a_tenants_report_belongs_to_the_tenant(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    said = {"type": "monthly", "filters": LEGAL, "mail": {"to": [ADA]}}
    app.enqueue(message := generate_report.message(kwargs=said).owned_by("acme"))

    record, _ = wait_for_mails(inspector, message.id, server)

    assert inspector.record(record.result["mail_id"]).tenant == "acme"


def test_an_attempt_killed_after_it_ordered_the_mail_causes_no_second_mail(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    record, _ = wait_for_mails(inspector, report(LEGAL, to=[ADA]), server)
    job = kinds.mail.delay(record.result, [GRACE])
    first = inspector.wait_until_held(job.id)
    os.kill(first, signal.SIGKILL)
    second = inspector.wait_until_held(job.id)
    assert second != first

    inspector.release(second)
    killed = inspector.wait_until_final(job.id)
    assert (killed.status, killed.interruptions) == ("success", 1)
    assert inspector.wait_until_final(killed.result).result["sent"] == 1
    assert server.times == Counter([ADA, GRACE])


def test_invalid_mail_options_fail_the_job_at_once(
    server: ScriptedSmtpServer, inspector: JobInspector
) -> None:
    wrong = {"type": "monthly", "filters": LEGAL, "mail": {"to": []}}

    record = inspector.wait_until_final(app.send_task("report", kwargs=wrong).id)

    assert (record.status, record.attempts) == ("failed", 1)
    assert "mail.to: must have at least 1 item" in record.error
