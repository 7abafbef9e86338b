"""Schedules on a whole system: the monthly report by mail, and workers that are killed."""

import email
import email.policy
import io
import os
import signal
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis

from project.records.record import FINAL_STATUSES
from tests.support.programs.processes import list_children
from tests.support.programs.system import System
from tests.support.schedules.clock import set_running_clock
from tests.support.waiting import wait_until

ADA, GRACE = "ada@example.com", "grace@example.com"
MONTHLY = {
    "order": {
        "kind": "report",
        "type": "monthly",
        "filters": {"department": "engineering", "month": "{{ month before due }}"},
        "format": ["pdf", "xlsx"],
        "mail": {"to": [ADA, GRACE], "skip_empty": True},
    },
    "cron": "0 7 1 * *",
    "zone": "Europe/Berlin",
}
TICK = {"order": {"kind": "email_blast", "recipients": []}, "every": 1, "catch_up": "all"}
KILLS = 3


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """A system whose clock the test moves."""
    system = System(tmp_path / "schedules")
    system.folder.mkdir()
    system.start(
        CONTINUO_TASKS="tests.support.apps.moved_clock", LEASE_SECONDS="2", VALKEY_FSYNC="always"
    )
    yield system
    system.close()


def move_clock(system: System, moment: str) -> float:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    with redis.Redis.from_url(system.redis_url) as client:
        set_running_clock(client, at)
    return at


def count_open(system: System) -> int:
    """How many jobs have not ended."""
    counts: dict[str, int] = system.stats()["status_counts"]
    return sum(count for status, count in counts.items() if status not in FINAL_STATUSES)


def list_mails(system: System) -> list[EmailMessage]:
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((system.folder / "outbox").glob("*.eml"))
    ]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def find_workers(system: System) -> list[int]:
    assert system.program
    lines = {
        pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in list_children(system.program.pid)
    }
    return [pid for pid, line in lines.items() if b"\0worker\0" in line]


@pytest.mark.timeout(240)
def test_the_report_of_the_month_before_is_mailed_on_the_first_at_seven(own_system: System) -> None:
    move_clock(own_system, "2026-05-31T12:00:00")
    written = own_system.http.put("/schedules/monthly", json=MONTHLY)
    assert written.status_code == 201, written.text
    due = datetime.fromisoformat("2026-06-01T05:00:00+00:00").timestamp()
    assert written.json()["next"] == due

    move_clock(own_system, "2026-06-01T04:59:57")
    wait_until(lambda: len(list_mails(own_system)) == 2, 60)

    job = own_system.http.get("/schedules/monthly").json()["last"]["job"]
    record = own_system.wait_until_final("/reports", job)
    assert record["result"]["covers"] == "May 2026"
    assert record["created_at"] >= due
    mails = list_mails(own_system)
    assert {mail["To"] for mail in mails} == {ADA, GRACE}
    assert len({mail["List-Unsubscribe"] for mail in mails}) == 2
    (attachment,) = mails[0].iter_attachments()
    with zipfile.ZipFile(io.BytesIO(attachment.get_content())) as files:
        assert {Path(name).suffix for name in files.namelist()} == {".pdf", ".xlsx"}

    move_clock(own_system, "2026-07-01T05:00:00")
    wait_until(lambda: len(list_mails(own_system)) == 4, 60)
    job = own_system.http.get("/schedules/monthly").json()["last"]["job"]
    assert own_system.record("/reports", job)["result"]["covers"] == "June 2026"


@pytest.mark.timeout(240)
def test_each_due_time_has_one_job_though_workers_are_killed(own_system: System) -> None:
    first = own_system.http.put("/schedules/tick", json=TICK).json()["next"]

    for _ in range(KILLS):
        workers = find_workers(own_system)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        count = own_system.stats()["status_counts"]["success"]
        wait_until(
            lambda: own_system.stats()["status_counts"]["success"] >= count + 2,  # noqa: B023 - waits at once
            60,
        )
    last = own_system.http.get("/schedules/tick").json()["next"]
    own_system.http.post("/schedules/tick/pause")
    wait_until(lambda: not count_open(own_system), 30)

    history = own_system.http.get("/schedules/tick/history").json()["history"]
    fired = sorted(entry["due"] for entry in history if entry["what"] == "fired")
    assert set(range(first, last)) <= set(fired)
    assert len(fired) == len(set(fired)) == own_system.stats()["status_counts"]["success"]
