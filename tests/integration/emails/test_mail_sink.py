"""The way a mail goes on one machine: a blast, the bundled mail sink, a file."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from project.settings.values import get_settings
from tasks.emails.delivery.attempt import MailingSlice
from tasks.emails.delivery.ledger import DeliveryCounts, count_deliveries
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder, check_mailing

ROOT = Path(__file__).parents[3]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Path]:
    with subprocess.Popen(
        [sys.executable, "-m", "project.local.mail_sink"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path), "SMTP_PORT": str(get_settings().smtp_port)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "taking mails" in process.stdout.readline()
        yield tmp_path / "outbox"
        process.terminate()


def test_a_blast_leaves_one_file_per_recipient(outbox: Path, valkey: EmbeddedValkey) -> None:
    names = ["Ada.Lovelace+x@Example.org", "bob!#$%&'*/=?^_`{|}~@example.org", "eve@bücher.example"]
    recipients = check_mailing([*names, "ADA.lovelace+X@example.org"], "welcome")
    order = MailingOrder(str(uuid.uuid4()), recipients, "welcome")

    with closing(redis.Redis.from_url(valkey.url)) as client:
        mailing = Mailing(order, LedgerStore(client))
        mailing.open(retries=0)
        end = MailingSlice(mailing).work()
        counts = count_deliveries(mailing.read_tally())

    assert end.how == "done"
    assert counts == DeliveryCounts(sent=3)
    mails = [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted(outbox.glob("*.eml"))
    ]
    assert [mail["X-Envelope-To"] for mail in mails] == recipients
    assert [mail["To"] for mail in mails] == recipients
    assert {mail["Subject"] for mail in mails} == {"Welcome to Continuo"}
    assert len({mail["Message-ID"] for mail in mails}) == 3
