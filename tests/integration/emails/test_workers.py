"""Blasts on real workers: helpers, retries of the job, and the record all along."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tasks.emails import send_email_blast
from tests.support.programs.workers import JobInspector, Workers
from tests.support.servers.scripted_smtp import ScriptedSmtpServer
from tests.support.waiting import wait_until


@pytest.fixture
def server() -> Iterator[ScriptedSmtpServer]:
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join(10)


def start_worker(workers: Workers, server: ScriptedSmtpServer, *options: str) -> None:
    url = f"smtp://127.0.0.1:{server.server_address[1]}"
    workers.start("--concurrency=2", *options, SMTP_URL=url).ready()


def build_addresses(count: int) -> list[str]:
    return [f"user{number}@example.org" for number in range(count)]


def test_helpers_work_on_the_queue_of_the_blast(
    server: ScriptedSmtpServer, workers: Workers, inspector: JobInspector
) -> None:
    both, together = threading.Barrier(2, timeout=20), threading.local()

    def plan(stage: str, _: str) -> None:
        if stage == "mail" and not hasattr(together, "yes"):
            together.yes = True
            if server.connections <= both.parties:  # later ones are renewed
                both.wait()

    server.plan = plan
    start_worker(workers, server, "--queues=mail")
    said = {"recipients": build_addresses(1_200), "template": "default"}
    job = send_email_blast.apply_async(kwargs=said, queue="mail")
    record = inspector.wait_until_final(job.id, 60)

    assert record.result["sent"] == 1_200
    assert record.attempts == 1
    assert record.progress is not None
    assert (record.progress.done, record.progress.total) == (1_200, 1_200)
    assert server.times == Counter(build_addresses(1_200))
    assert inspector.list_messages() == []


def test_after_a_refused_sender_the_job_retries_with_its_list_unchanged(
    server: ScriptedSmtpServer, workers: Workers, inspector: JobInspector
) -> None:
    server.plan = lambda stage, _: "550 5.7.1 who are you?" if stage == "mail" else None
    start_worker(workers, server)
    job = send_email_blast.delay(recipients=build_addresses(3), template="default")
    record = inspector.wait_for_status(job.id, "retrying")
    assert "refuses the sender: 550 5.7.1 who are you?" in record.error
    assert record.attempts == 1

    server.plan = lambda *_: None
    inspector.make_due(job.id)
    assert inspector.wait_until_final(job.id).result["sent"] == 3
    assert inspector.record(job.id).attempts == 2


def test_postponed_recipients_are_mailed_later_in_the_same_attempt(
    server: ScriptedSmtpServer, workers: Workers, inspector: JobInspector
) -> None:
    server.once("rcpt", "user1@example.org", "451 4.7.1 greylisted")
    start_worker(workers, server)
    job = send_email_blast.delay(recipients=build_addresses(3), template="default")
    waits = inspector.wait_for_status(job.id, "retrying")
    assert (waits.attempts, waits.error) == (0, "")

    assert waits.progress is not None
    assert waits.progress.note.startswith("2 sent, 1 retry; 1 connection; ")

    record = inspector.wait_until_final(job.id)
    assert (record.result["sent"], record.attempts) == (3, 1)
    assert server.times == Counter(build_addresses(3))


def test_a_failed_blast_that_is_retried_mails_only_the_remaining_recipients(
    server: ScriptedSmtpServer, workers: Workers, inspector: JobInspector
) -> None:
    left = "user1@example.org"
    server.plan = lambda stage, who: "451 later" if (stage, who) == ("rcpt", left) else None
    start_worker(workers, server)
    job = send_email_blast.delay(recipients=build_addresses(3), template="default")
    chunks, about = f"continuo:mail:{job.id}:chunks", f"continuo:mail:{job.id}:about"
    inspector.wait_for_status(job.id, "retrying")
    inspector.redis.hset(about, "tries:p0", 9)
    inspector.redis.zadd(chunks, {"p0": 0})
    record = inspector.wait_for_status(job.id, "failed")
    assert "1 of 3 recipients were put off 10 times; sent to 2." in record.error

    server.plan = lambda *_: None
    assert job.rerun()

    wait_until(lambda: inspector.record(job.id).status == "success")
    assert server.times == Counter(build_addresses(3))
