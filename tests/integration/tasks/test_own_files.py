"""Files and mails of a job of one's own: by a real worker, over SMTP, also when it dies."""

import email
import email.policy
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.servers.scripted_smtp import ScriptedSmtpServer

ADA = "ada@example.com"


@pytest.fixture
def server() -> Iterator[ScriptedSmtpServer]:
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join(10)


def list_artifacts(folder: Path) -> list[str]:
    return [path.name for path in (folder / "artifacts").glob("*/*")]


def test_a_job_that_dies_and_is_retried_makes_one_file_and_sends_one_mail(
    server: ScriptedSmtpServer, inspector: JobInspector, workers: Workers
) -> None:
    url = f"smtp://127.0.0.1:{server.server_address[1]}"
    workers.start("--concurrency=2", SMTP_URL=url).ready()
    job = kinds.file.delay(ADA, kills=True)
    first = inspector.wait_until_held(job.id)
    os.kill(first, signal.SIGKILL)
    second = inspector.wait_until_held(job.id)
    assert list_artifacts(workers.folder) == []

    inspector.release(second)
    record = inspector.wait_until_final(job.id, 30)
    blast = inspector.wait_until_final(record.result["mail_id"])

    assert (record.status, record.attempts, record.interruptions) == ("success", 2, 1)
    assert list_artifacts(workers.folder) == [f"{record.result['sha256']}.txt"]
    assert (blast.kind, blast.result["sent"]) == ("email_blast", 1)
    assert server.times == Counter([ADA])
    ((_, raw),) = server.taken
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    (attached,) = message.iter_attachments()
    assert (message["Subject"], attached.get_content()) == ("Numbers", "1 2 3")
