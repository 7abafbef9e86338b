"""The walk of the original specification, over HTTP on a running system."""

import io
import os
import subprocess
import time
from email import message_from_bytes
from email.policy import default
from shutil import which
from urllib.parse import urlsplit

import httpx2
import pypdf
import pytest

from project.version import read_version
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE, wait_until

MONTHLY = {"type": "monthly", "filters": {"department": "engineering", "month": "2026-05"}}

SEED_FIELDS = [
    "id",
    "kind",
    "status",
    "attempts",
    "max_retries",
    "result",
    "error",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
]

STATUSES = ["pending", "running", "success", "failed", "retrying", "cancelled"]


def list_recipients(system: System) -> list[str]:
    """The recipients of the mails in the outbox."""
    kept = (system.folder / "outbox").glob("*.eml")
    return [message_from_bytes(path.read_bytes(), policy=default)["To"] for path in kept]


def test_a_report_is_accepted_at_once_as_pending(system: System) -> None:
    answer = system.http.post("/reports", json=MONTHLY)
    record = answer.json()

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/reports/{record['id']}"
    assert int(answer.headers["Retry-After"]) > 0
    assert list(record)[: len(SEED_FIELDS)] == SEED_FIELDS
    assert (record["kind"], record["status"], record["attempts"]) == ("report", "pending", 0)
    assert (record["max_retries"], record["result"], record["error"]) == (3, None, "")
    assert (record["started_at"], record["finished_at"]) == (None, None)
    assert abs(record["created_at"] - time.time()) < 5


def test_a_report_is_polled_until_its_pdf_can_be_read(system: System) -> None:
    ordered = system.order("/reports", MONTHLY)
    done = system.wait_until_final("/reports", ordered["id"])
    assert (done["status"], done["attempts"], done["error"]) == ("success", 1, "")
    assert list(done["result"])[:3] == ["report_type", "rows_processed", "download_url"]
    assert done["result"]["report_type"] == "monthly"
    assert done["result"]["rows_processed"] > 0

    download = system.http.get(done["result"]["download_url"])
    assert download.headers["Content-Type"] == "application/pdf"

    words = pypdf.PdfReader(io.BytesIO(download.content)).pages[0].extract_text()
    assert "Engineering" in words
    assert "May 2026" in words


def test_pdftotext_reads_the_report(system: System) -> None:
    if not which("pdftotext"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pdftotext is not installed")
    done = system.wait_until_final("/reports", system.order("/reports", MONTHLY)["id"])
    pdf = system.http.get(done["result"]["download_url"]).content

    read = subprocess.run(
        ["pdftotext", "-", "-"],  # noqa: S607 - its path depends on the machine
        input=pdf,
        stdout=subprocess.PIPE,
        check=True,
        timeout=20 * PATIENCE,
    )

    assert b"Engineering" in read.stdout


def test_an_empty_order_is_the_summary_report(system: System) -> None:
    done = system.wait_until_final("/reports", system.order("/reports", {})["id"])
    assert (done["status"], done["result"]["report_type"]) == ("success", "summary")


def test_only_an_unfinished_record_has_retry_after(system: System) -> None:
    ordered = system.order("/reports", MONTHLY)
    path = f"/reports/{ordered['id']}"
    seen: dict[str, str | None] = {}

    def look() -> bool:
        answer = system.http.get(path)
        seen[answer.json()["status"]] = answer.headers.get("Retry-After")
        return "success" in seen

    wait_until(look, 30)

    assert seen.pop("success") is None
    assert set(seen.values()) == {"3"}


def test_a_changed_link_is_refused(system: System) -> None:
    done = system.wait_until_final("/reports", system.order("/reports", MONTHLY)["id"])
    start, _, signature = urlsplit(done["result"]["download_url"]).path.rpartition(".")

    # Not the last character: two of its bits are base64 padding.
    other = "b" if signature[0] == "a" else "a"
    answer = system.http.get(f"{start}.{other}{signature[1:]}")

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_blast_sends_one_mail_to_each_recipient(system: System) -> None:
    before = len(list_recipients(system))
    recipients = ["ada@example.com", "grace@example.com"]
    ordered = system.order("/emails", {"recipients": recipients})
    assert ordered["kind"] == "email_blast"

    done = system.wait_until_final("/emails", ordered["id"])
    assert list(done["result"])[:2] == ["sent", "template"]
    assert done["result"]["mails_per_connection"] == 2 / done["result"]["connections"]
    assert done["result"] | {"sent": 2, "template": "default"} == done["result"]
    assert set(recipients) <= set(list_recipients(system))
    assert len(list_recipients(system)) == before + 2


def test_a_blast_without_recipients_sends_nothing(system: System) -> None:
    before = len(list_recipients(system))
    done = system.wait_until_final("/emails", system.order("/emails", {"recipients": []})["id"])

    assert done["status"] == "success"
    assert done["result"] | {"sent": 0, "template": "default"} == done["result"]
    assert len(list_recipients(system)) == before


def test_a_job_is_not_found_under_the_path_of_another_kind(system: System) -> None:
    ordered = system.order("/emails", {"recipients": []})
    assert system.http.get(f"/reports/{ordered['id']}").status_code == 404
    assert system.http.get(f"/emails/{ordered['id']}").status_code == 200


def test_lists_are_newest_first_and_link_to_the_next_page(system: System) -> None:
    ordered = [system.order("/emails", {"recipients": []})["id"] for _ in range(5)]
    seen: list[str] = []
    address = "/emails?limit=2"

    while len(seen) < len(ordered):
        page = system.http.get(address)
        assert list(page.json())[:2] == ["tasks", "total"]
        assert page.json()["total"] >= 5
        seen += [task["id"] for task in page.json()["tasks"]]
        address = page.links.get("next", {}).get("url", "")

    assert seen[:5] == ordered[::-1]
    assert len(seen) == len(set(seen))


def test_the_last_page_has_no_next_link(system: System) -> None:
    system.order("/emails", {"recipients": []})
    page = system.http.get("/emails?limit=200")

    assert (page.links, page.json()["next_cursor"]) == ({}, None)
    assert page.json()["total"] == len(page.json()["tasks"])


@pytest.mark.parametrize("status", STATUSES)
def test_a_list_can_be_filtered_by_status(system: System, status: str) -> None:
    done = system.wait_until_final("/emails", system.order("/emails", {"recipients": []})["id"])
    listed = system.http.get("/emails", params={"status": status}).json()

    assert {task["status"] for task in listed["tasks"]} <= {status}
    assert (done["id"] in [task["id"] for task in listed["tasks"]]) is (status == "success")


def test_stats_count_every_status_and_the_workers_slots(system: System) -> None:
    system.wait_until_final("/emails", system.order("/emails", {"recipients": []})["id"])
    stats = system.stats()

    assert list(stats) == ["queue_size", "total_tasks", "worker_count", "status_counts"]
    assert list(stats["status_counts"]) == STATUSES
    assert stats["worker_count"] == 2
    assert stats["total_tasks"] == sum(stats["status_counts"].values())
    assert stats["status_counts"]["success"] > 0


def test_flower_shows_our_worker(system: System) -> None:
    address = f"http://127.0.0.1:{system.ports['FLOWER_PORT']}"

    with httpx2.Client(base_url=address, trust_env=False, timeout=10) as flower:
        assert "Flower" in flower.get("/", follow_redirects=True).text
        workers = wait_until(lambda: flower.get("/workers?json=1").json()["data"])

    assert [worker["hostname"].partition("@")[0] for worker in workers] == ["celery"]
    assert workers[0]["status"] is True


def test_health_docs_and_pages_answer(system: System) -> None:
    version = read_version()
    for name in ("live", "ready"):
        answer = system.http.get(f"/health/{name}").json()
        assert answer == {"status": name, "version": version}

    paths = system.http.get("/openapi.json").json()["paths"]
    assert {"/reports", "/reports/{id}", "/emails", "/emails/{id}", "/queue/stats"} <= set(paths)
    assert "swagger" in system.http.get("/docs").text.lower()
