"""The README's walk with curl and its example commands, run in bash."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.support.documents.markdown import read_code_blocks
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE

TITLE = "A walk with curl"
ALLOWED = ("bash", "curl", "ls", "seq", "sleep")
"""The programs that the walk may call besides python3."""

EXAMPLE = r"""
# Enqueue a report (returns immediately with status=pending)
TASK=$(curl -s -X POST http://localhost:8000/reports \
  -H "Content-Type: application/json" \
  -d '{"type":"monthly","filters":{"department":"engineering"}}')

echo $TASK | python -m json.tool
TASK_ID=$(echo $TASK | python -c "import sys,json; print(json.load(sys.stdin)['id'])")

# Poll until done
while true; do
  STATUS=$(curl -s http://localhost:8000/reports/$TASK_ID | python -c \
    "import sys,json; t=json.load(sys.stdin); print(t['status'])")
  echo "Status: $STATUS"
  [ "$STATUS" = "success" ] || [ "$STATUS" = "failed" ] && break
  sleep 3
done

# Inspect queue health
curl -s http://localhost:8000/queue/stats | python -m json.tool
"""


class Terminal:
    """A bash beside a running system, with few programs besides curl."""

    def __init__(self, folder: Path, system: System) -> None:
        self.folder = folder
        self.address = f"localhost:{system.ports['PORT']}"
        (folder / "var").symlink_to(system.folder)
        (folder / "bin").mkdir()
        for name in ALLOWED:
            (folder / "bin" / name).symlink_to(find_program(name))
        for name in ("python", "python3"):
            (folder / "bin" / name).symlink_to(Path(sys.executable).resolve())

    def paste(self, lines: str) -> str:
        """Run the lines and return the output; ``localhost:8000`` is the running system."""
        assert "localhost:8000" in lines
        done = subprocess.run(
            [
                self.folder / "bin/bash",
                *("-eu", "-o", "pipefail", "-c"),
                lines.replace("localhost:8000", self.address),
            ],
            cwd=self.folder,
            env={"PATH": str(self.folder / "bin")},
            capture_output=True,
            text=True,
            timeout=100 * PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout


def find_program(name: str) -> str:
    """The path of a program. Without it the test is skipped, in CI it fails."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    return path or pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def terminal(system: System, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("terminal"), system)


@pytest.fixture(scope="module")
def printed(terminal: Terminal) -> list[str]:
    """The output of each bash block of the walk, all run in one shell."""
    mark = "=== next block ==="
    return terminal.paste(f"\necho '{mark}'\n".join(read_code_blocks(TITLE, "bash"))).split(
        f"{mark}\n"
    )


def test_the_walk_needs_no_extra_programs(printed: list[str]) -> None:
    _, order, *_ = printed

    record = json.loads(order)
    assert (record["kind"], record["status"]) == ("report", "pending")


def test_the_report_becomes_a_pdf_that_can_be_read(terminal: Terminal, printed: list[str]) -> None:
    _, _, report, *_ = printed

    assert "success" in report.splitlines()

    text = read_pdf_text(terminal.folder / "report.pdf")
    assert "Monthly spend" in text
    assert "Engineering" in text
    assert "May 2026" in text


def test_the_two_mails_are_in_the_outbox(system: System, printed: list[str]) -> None:
    _, _, _, blast, *_ = printed

    lines = blast.splitlines()
    assert any(line.startswith("{'sent': 2, 'template': 'welcome', 'rate': ") for line in lines)

    first, second = lines[-2:]  # the newest: names begin with the time
    outbox = system.folder / "outbox"
    assert "To: ada@example.com" in (outbox / first).read_text()
    assert "To: grace@example.com" in (outbox / second).read_text()


def test_the_queue_and_the_list_show_the_report(printed: list[str]) -> None:
    _, _, _, _, queue, _ = printed

    stats, page = parse_objects(queue)

    assert stats["status_counts"]["success"] >= 2
    assert page["tasks"][0]["result"]["report_type"] == "monthly"


def test_the_error_is_the_one_that_the_readme_shows(printed: list[str]) -> None:
    *_, error = printed
    (shown,) = read_code_blocks(TITLE, "json")

    assert drop_id(json.loads(error)) == drop_id(json.loads(shown))


def test_the_commands_of_the_example_reach_success(system: System, terminal: Terminal) -> None:
    said = terminal.paste(EXAMPLE)

    assert said.count("Status: success\n") == 1

    record, stats = parse_objects(re.sub(r"Status: \w+\n", "", said))
    assert record["status"] == "pending"
    assert list(stats) == ["queue_size", "total_tasks", "worker_count", "status_counts"]

    done = system.record("/reports", record["id"])
    pdf = terminal.folder / "example.pdf"
    pdf.write_bytes(system.http.get(done["result"]["download_url"]).content)

    assert "Monthly spend" in read_pdf_text(pdf)


def read_pdf_text(pdf: Path) -> str:
    """The text of a PDF, by pdftotext if it is installed."""
    if shutil.which("pdftotext"):
        return subprocess.run(
            ["pdftotext", "-layout", str(pdf), "-"],  # noqa: S607 - just found on the PATH
            capture_output=True,
            text=True,
            timeout=30 * PATIENCE,
            check=True,
        ).stdout
    return "\n".join(page.extract_text() for page in PdfReader(pdf).pages)


def parse_objects(text: str) -> list[dict[str, Any]]:
    """The indented JSON objects in an output, in order."""
    return [json.loads(part) for part in re.findall(r"^\{.*?^\}$", text, re.DOTALL | re.MULTILINE)]


def drop_id(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem document without the fields that differ each time."""
    return {name: value for name, value in problem.items() if name != "request_id"}


def test_scripts_that_redis_gets_for_the_first_time_are_no_fault_in_the_log(system: System) -> None:
    assert system.http.get("/queue/stats").status_code == 200
    assert system.http.get("/tasks").status_code == 200

    assert system.program
    assert "NoScript" not in system.program.output
