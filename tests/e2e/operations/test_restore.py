"""A backup is made and restored as docs/operating/backups.md says."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.documents.guides import DOCS, MAKE_UP_PATTERN, GuideRunner, parse_blocks
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

PAGE = DOCS / "operating" / "backups.md"
BACKUP, RESTORE = [block for block in parse_blocks(PAGE) if block.language == "bash"]
(START,) = [block for block in parse_blocks(PAGE) if MAKE_UP_PATTERN.fullmatch(block.code)]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[GuideRunner]:
    reader = GuideRunner(tmp_path / "continuo")
    try:
        yield reader
    finally:
        reader.close()


def test_a_backup_of_a_running_system_has_every_earlier_job_and_file(reader: GuideRunner) -> None:
    system = reader.system
    reader.restart()
    done = system.order("/reports", {"type": "monthly"})["id"]
    result = system.wait_until_final("/tasks", done)["result"]
    waits = [system.order("/reports", {"delay": 600, "tags": ["before"]})["id"] for _ in range(300)]
    system.http.post("/suppressions", json={"addresses": ["a@example.com"], "reason": "manual"})

    reader.run_block(BACKUP)
    system.order("/reports", {"delay": 600, "tags": ["after"]})
    reader.run_block(RESTORE)
    reader.run_block(START)

    assert system.record("/tasks", done)["result"] == result
    link = urlsplit(result["download_url"]).path
    assert system.http.get(link).content[:5] == b"%PDF-"
    assert system.http.get("/tasks?tag=before").json()["total"] == len(waits)
    assert system.http.get("/tasks?tag=after").json()["total"] == 0
    assert system.http.get("/suppressions/a@example.com").status_code == 200
    system.order("/reports", {"type": "summary"})
    wait_until(lambda: system.stats()["status_counts"]["success"] == 2, 30)
