"""Attempts of a blast that race, lose their claim or are killed: no recipient gets two mails."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import redis

from project.errors import TransientError
from tasks.emails.delivery.ledger import DeliveryCounts, RecipientOutcome
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
from tasks.emails.delivery.server import REPLY_SECONDS
from tests.support.mailings import (
    BOB,
    TRIO,
    attempt,
    build_addresses,
    build_mailing,
    finish,
    run_slice,
)
from tests.support.servers.scripted_smtp import HANG_UP, ScriptedSmtpServer

ROOT = Path(__file__).parents[3]


def test_racing_attempts_mail_no_recipient_twice(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    recipients, racers = build_addresses(200), 3
    together = threading.Barrier(racers, timeout=10)
    started = threading.local()

    def plan(stage: str, _recipient: str) -> None:
        if stage == "mail" and not hasattr(started, "yes"):
            started.yes = True
            if server.connections <= racers:
                together.wait()

    server.plan = plan
    ends: list[Counter[RecipientOutcome] | TransientError] = []

    def race() -> None:
        try:
            ends.append(attempt(keys, job, recipients))
        except TransientError as error:
            ends.append(error)

    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(ends) == racers
    assert together.n_waiting == 0
    assert finish(keys, job, recipients) == DeliveryCounts(sent=200)
    assert server.times == Counter(recipients)


def test_an_attempt_that_lost_its_claim_does_not_send(
    server: ScriptedSmtpServer,
    keys: redis.Redis,
    job: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="tasks.emails")
    taker = build_mailing(keys, job)

    def take_over(stage: str, _recipient: str) -> None:
        if stage == "data":
            taker.claim(BOB)

    server.plan = take_over

    outcomes = attempt(keys, job, [BOB])

    assert outcomes == Counter({RecipientOutcome.RETRY: 1})
    assert "1 of 1 recipients have to wait (another attempt mails them)" in caplog.text
    assert server.taken == []
    assert taker.about_to_send(BOB)


class FailingMailing(Mailing):
    """A mailing whose ledger is out of reach at one step, for one recipient."""

    step = ""

    def about_to_send(self, recipient: str) -> bool:
        self.fail("about_to_send", recipient)
        return super().about_to_send(recipient)

    def settle(self, recipient: str, outcome: RecipientOutcome, reason: str = "") -> None:
        self.fail("settle", recipient)
        super().settle(recipient, outcome, reason)

    def fail(self, step: str, recipient: str) -> None:
        if (step, recipient) == (self.step, BOB):
            raise TransientError("the ledger is out of reach")


@pytest.mark.parametrize(
    ("step", "end"),
    [("about_to_send", DeliveryCounts(sent=3)), ("settle", DeliveryCounts(sent=2, unknown=1))],
)
def test_a_ledger_that_fails_during_a_mail_causes_no_second_mail(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, step: str, end: DeliveryCounts
) -> None:
    mailing = FailingMailing(MailingOrder(job, TRIO), LedgerStore(keys))
    mailing.step = step
    started = time.monotonic()

    with pytest.raises(TransientError, match="out of reach"):
        run_slice(mailing, keys)
    assert time.monotonic() - started < REPLY_SECONDS / 2
    assert finish(keys, job, TRIO) == end
    assert server.times == Counter(TRIO)


ATTEMPT = """
import sys, redis
from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
_, port, job, *recipients = sys.argv
mailing = Mailing(MailingOrder(job, recipients), LedgerStore(redis.Redis(port=int(port))))
mailing.open(retries=0)
MailingSlice(mailing).work()
"""


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot", "answer"])
def test_a_killed_attempt_mails_no_recipient_twice_and_skips_none(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str, stage: str
) -> None:
    recipients = build_addresses(5)
    port = str(keys.connection_pool.connection_kwargs["port"])
    command = [sys.executable, "-c", ATTEMPT, port, job, *recipients]
    running = threading.Event()
    victim: list[subprocess.Popen[bytes]] = []

    def kill(at: str, recipient: str) -> str | None:
        # when MAIL comes, the server still has the recipient of the mail before
        if (at, recipient) != (stage, recipients[1 if at == "mail" else 2]):
            return None
        assert running.wait(10)
        victim[0].kill()
        victim[0].wait(10)
        return HANG_UP

    server.plan = kill
    with subprocess.Popen(command, cwd=ROOT, env=os.environ) as process:
        victim.append(process)
        running.set()
        assert process.wait(30) == -signal.SIGKILL
    server.plan = lambda _stage, _recipient: None
    end = finish(keys, job, recipients)
    in_doubt = 1 if stage in {"dot", "answer"} else 0
    assert end == DeliveryCounts(sent=5 - in_doubt, unknown=in_doubt)

    lost = {recipients[2]} if stage == "dot" else set()
    assert server.times == Counter(set(recipients) - lost)
