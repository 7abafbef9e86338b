"""The command ``continuo`` against a running system: each command, and each exit status."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System

COMMAND = ROOT / "bin" / "continuo"
PACKAGES = ROOT / "tests" / "support" / "packages"

pytestmark = pytest.mark.timeout(180)


class Shell:
    """Runs the command in a folder, for the API at ``url``."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *words],
            input=stdin,
            cwd=self.folder,
            env=os.environ | {"CONTINUO_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def read(self, *words: str, status: int = 0) -> Any:
        """The JSON document that a command prints."""
        done = self.run("--json", *words)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The command, beside a system with the package and with a kind that the command wrote."""
    folder = tmp_path_factory.mktemp("command")
    system = System(tmp_path_factory.mktemp("system") / "data")
    shell = Shell(folder, str(system.http.base_url))
    wrote = shell.run("new", "kind", "letter_count")
    assert wrote.returncode == 0, wrote.stderr
    try:
        system.start(
            PYTHONPATH=f"{PACKAGES}:{folder}",
            CONTINUO_TASKS="acme.billing,letter_count",
            CONTINUO_WEBHOOK_ALLOW="127.0.0.1",
            CONTINUO_URL=shell.url,
            CONTINUO_KEY="of-the-command-only",
        )
        yield shell
    finally:
        system.close()


def test_a_workflow_is_ordered_waited_for_listed_and_steered(shell: Shell) -> None:
    nodes = [
        {"id": "a", "kind": "letter_count", "payload": {"text": "abc"}},
        {"id": "b", "kind": "letter_count", "payload": {"text": "de"}, "after": ["a"]},
    ]
    later = [{**nodes[0], "delay": 3_600}]
    order = json.dumps({"name": "two", "nodes": nodes})

    done = shell.run("workflow", "order", "--json", "-", "--wait", "60", stdin=order)
    order = json.dumps({"name": "later", "nodes": later, "deadline": 7_200})
    made = shell.run("workflow", "order", "--json", "-", stdin=order)
    (first, *_) = shell.read("workflow", "list", "--limit", "1")["workflows"]
    unfinished = shell.run("workflow", "wait", first["id"], "--wait", "0.3")
    shell.run("workflow", "cancel", first["id"])
    cancelled = shell.read("workflow", "wait", first["id"], status=3)
    retried = shell.read("workflow", "retry", first["id"])
    ended = shell.read("workflow", "wait", first["id"])

    assert done.returncode == 0, done.stderr
    assert "two   success  2/2" in done.stdout
    assert [line.split()[:3] for line in done.stdout.splitlines()[4:]] == [
        ["a", "letter_count", "success"],
        ["b", "letter_count", "success"],
    ]
    assert (made.returncode, unfinished.returncode) == (0, 6)
    assert (first["name"], cancelled["status"]) == ("later", "cancelled")
    assert retried["id"] == first["id"]
    assert ended["results"]["a"] is not None


def test_a_wrong_workflow_is_refused_by_field(shell: Shell) -> None:
    node = {"id": "a", "kind": "letter_count", "payload": {"text": "x"}, "after": ["b"]}
    wrong = {"name": "wrong", "nodes": [node]}

    refused = shell.run("workflow", "order", "--json", "-", stdin=json.dumps(wrong))
    incomplete = shell.run("workflow", "order", "--json", "-", stdin='{"name": "x"}')
    other = shell.run("workflow", "order", "--json", "-", stdin=json.dumps(wrong | {"x": 1}))

    assert (refused.returncode, incomplete.returncode, other.returncode) == (5, 2, 2)
    assert "nodes[0].after[0]: 'b' is the id of no node" in refused.stderr
    assert "nodes is missing" in incomplete.stderr
    assert "x is not one of name, nodes, callback_url, deadline" in other.stderr


def test_a_shipped_kind_is_ordered_with_nested_fields(shell: Shell) -> None:
    fields = ("type=monthly", "filters.department=engineering", "filters.month=2026-05")

    record = shell.read("order", "report", *fields, "--wait", "50", 'tags=["cli"]')

    assert record["status"] == "success"
    assert record["result"]["download_url"]
    assert [each["id"] for each in shell.read("list", "--tag", "cli")["tasks"]] == [record["id"]]


def test_a_new_kind_runs_and_its_test_passes(shell: Shell) -> None:
    record = shell.read("order", "letter_count", "text=hello", "--wait", "20", "times=2")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_letter_count.py"],
        cwd=shell.folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{shell.folder}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert record["result"] == {"characters": 10}
    assert "2 passed" in tested.stdout, tested.stdout


def test_a_body_comes_from_stdin_and_fields_replace_its_own(shell: Shell) -> None:
    body = json.dumps({"customer": "ACME", "lines": [{"text": "work", "amount": 19.9}]})

    done = shell.run("--json", "order", "invoice", "--json", "-", "customer=B", stdin=body)
    record = shell.read("follow", json.loads(done.stdout)["id"])

    assert record["result"] == {"customer": "B", "total": 19.9, "due": "2026-12-31"}


def test_the_log_of_a_job_is_printed(shell: Shell) -> None:
    job = shell.read("order", "letter_count", "text=hello", "--wait", "20")["id"]

    assert shell.read("logs", job)["ended"] is True
    assert shell.run("logs", job, "--follow", "--level", "error").stdout == ""
    assert shell.run("logs", "nobody").returncode == 5


def test_a_signal_is_sent_with_fields_and_without(shell: Shell) -> None:
    job = shell.read("order", "letter_count", "text=hello", "delay=3600")["id"]
    fields = ("approved=true", "by.name=Ada")

    first = shell.read("signal", job, "approval", *fields)
    again = shell.run("signal", job, "approval", *fields)
    empty = shell.read("signal", job, "go")

    assert (first["result"], again.stdout) == ("kept", "approval: repeated\n")
    assert (empty["name"], empty["result"]) == ("go", "kept")
    shell.read("cancel", job)


def test_follow_prints_each_change_and_then_the_record(shell: Shell) -> None:
    job = shell.read("order", "letter_count", "text=hello", "delay=3600")["id"]
    following = subprocess.Popen(
        [COMMAND, "follow", job, "--url", shell.url], stdout=subprocess.PIPE, text=True
    )
    assert following.stdout

    with following, following.stdout as lines:
        first = lines.readline()
        shell.read("cancel", job)
        rest = lines.read()

    assert following.returncode == 3
    assert first.split()[2:] == ["pending", "attempt", "0"]
    assert rest.splitlines()[0].split()[2:] == ["cancelled", "attempt", "0"]
    assert f"id        {job}" in rest.splitlines()


def test_a_wrong_order_names_each_wrong_field(shell: Shell) -> None:
    done = shell.run("order", "letter_count", "text=", "times=1000", "size=1")

    assert done.returncode == 5
    assert done.stdout == ""
    pointers = {line.split(":")[0].strip() for line in done.stderr.splitlines()[1:]}
    assert pointers == {"/text", "/times", "/size"}


def test_an_unknown_kind_is_named_with_those_that_exist(shell: Shell) -> None:
    done = shell.run("order", "letters", "text=a")

    assert done.returncode == 2
    assert "letter_count" in done.stderr
    assert "report" in done.stderr


def test_a_job_is_cancelled_shown_and_rerun(shell: Shell) -> None:
    job = shell.read("order", "letter_count", "text=hello", "delay=3600")["id"]

    assert shell.read("cancel", job)["status"] == "cancelled"
    assert shell.read("cancel", job)["status"] == "cancelled"
    assert shell.read("follow", job, status=3)["id"] == job
    assert "cancelled" in shell.run("show", job).stdout
    assert shell.read("retry", job)["id"] == job
    assert shell.read("follow", job)["status"] == "success"
    assert shell.read("retry", job, status=5)["status"] == 409


def test_a_failed_job_exits_with_1_and_shows_its_error(shell: Shell) -> None:
    url = f"url=http://127.0.0.1:{find_free_port()}/"

    done = shell.run("order", "webhook", url, "max_retries=1", "--wait", "30")

    assert done.returncode == 1, done.stderr
    assert "\nerror\n" in done.stdout


def test_a_job_that_has_not_ended_within_the_wait_exits_with_6(shell: Shell) -> None:
    record = shell.read("order", "letter_count", "text=a", "delay=60", "--wait", "1", status=6)

    assert shell.read("cancel", record["id"])["status"] == "cancelled"


def test_a_queue_is_paused_and_resumed(shell: Shell) -> None:
    assert shell.read("pause", "celery")["paused"] is True
    rows = [line.split() for line in shell.run("queues").stdout.splitlines()]
    assert shell.read("resume", "celery")["paused"] is False

    assert rows[0] == ["NAME", "WAITING", "RUNNING", "PAUSED", "OLDEST", "WORKERS"]
    assert {row[0]: row[3] for row in rows[1:]}["celery"] == "yes"
    assert shell.run("pause", "no/queue").returncode == 5


def test_workers_and_jobs_are_listed_for_people(shell: Shell) -> None:
    shell.read("order", "letter_count", "text=a", "--wait", "20")

    workers = shell.run("workers").stdout.splitlines()
    jobs = shell.run("list", "--kind", "letter_count", "--limit", "1").stdout.splitlines()

    assert len(workers) == len(jobs) == 2
    assert workers[0].split() == ["HOST", "PID", "JOBS", "STARTED", "QUEUES"]
    assert jobs[1].split()[1:3] == ["letter_count", "success"]


def test_top_shows_everything_once(shell: Shell) -> None:
    url = f"url=http://127.0.0.1:{find_free_port()}/"
    failed = shell.read("order", "webhook", url, "max_retries=1", "--wait", "30", status=1)

    lines = shell.run("top", "--once").stdout.splitlines()
    overview = shell.read("top")

    assert lines[0].startswith("last minute: ordered ")
    heads = [line.split()[0] for line in lines if line and line.split()[0].isupper()]
    assert heads == ["NAME", "HOST", "FAILED"]
    assert any(failed["id"] in line and "Connect" in line for line in lines)
    assert overview["failures"][0]["id"] == failed["id"]


def test_top_is_renewed_in_a_terminal_until_q_is_pressed(shell: Shell) -> None:
    keyboard, terminal = pty.openpty()
    program = subprocess.Popen(
        [COMMAND, "--url", shell.url, "top", "--every", "0.1"],
        stdin=terminal,
        stdout=terminal,
        env=os.environ | {"COLUMNS": "60", "LINES": "12"},
    )
    os.close(terminal)
    shown = b""
    while shown.count(b"continuo top") < 3 or b"celery" not in shown:
        shown += os.read(keyboard, 10_000)

    os.write(keyboard, b"q")
    while select.select([keyboard], [], [], 30)[0]:
        try:
            shown += os.read(keyboard, 10_000)
        except OSError:  # the end, as Linux says it
            break
    os.close(keyboard)

    assert program.wait(30) == 0
    assert shown.startswith(b"\x1b[?1049h")
    assert shown.rstrip().endswith(b"\x1b[?1049l")


def test_an_api_that_is_not_there_exits_with_4(shell: Shell) -> None:
    done = shell.run("--url", f"http://127.0.0.1:{find_free_port()}", "queues")

    assert done.returncode == 4
    assert "does not answer: Connection refused" in done.stderr


def test_an_unknown_job_is_refused(shell: Shell) -> None:
    assert shell.run("show", "a/b?c").returncode == 5
