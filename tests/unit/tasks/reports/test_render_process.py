"""The render process: it ends with its time and its parent, whatever it does."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from project.errors import TransientError
from tasks.rendering import process
from tasks.rendering.definitions.schema import EXIT_TEMPORARY_FAILURE, RenderOrder
from tests.support.report_pdfs import render_pdf, with_sql
from tests.support.waiting import PATIENCE, wait_until


def test_an_endless_query_is_stopped_even_when_its_parent_does_not_wait(order: RenderOrder) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n"

    done = subprocess.run(
        process.RENDER_COMMAND,
        cwd=process.ROOT,
        input=msgspec.json.encode(with_sql(order, endless, seconds=1)),
        capture_output=True,
        timeout=30 * PATIENCE,
        check=False,
    )
    by_the_query, by_the_clock = EXIT_TEMPORARY_FAILURE, -signal.SIGALRM

    assert done.returncode in {by_the_query, by_the_clock}


@pytest.mark.timeout(30)
def test_a_hanging_render_process_is_killed_and_can_be_retried(
    order: RenderOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        process, "RENDER_COMMAND", (sys.executable, "-c", "import signal; signal.pause()")
    )
    with pytest.raises(TransientError, match="longer than 1 s"):
        render_pdf(with_sql(order, "select 1", seconds=1))


def test_a_killed_render_process_can_be_retried(
    order: RenderOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(process, "RENDER_COMMAND", (sys.executable, "-c", suicide))

    with pytest.raises(TransientError, match="killed by signal 9"):
        render_pdf(order)


ORDERER = """
import sys
from pathlib import Path
import msgspec
from tasks.rendering import process
from tasks.rendering.definitions.schema import RenderOrder

order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RenderOrder)
with process.start_process(Path(order.folder, "stderr")) as child:
    process.send_order(child, order)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_render_process_ends_with_its_parent(order: RenderOrder) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n"
    path = Path(order.folder, "order.json")
    path.write_bytes(msgspec.json.encode(with_sql(order, endless)))
    command = [sys.executable, "-c", ORDERER, str(path)]
    with subprocess.Popen(command, cwd=process.ROOT, stdout=subprocess.PIPE) as orderer:
        assert orderer.stdout
        press = Path("/proc", orderer.stdout.readline().decode().strip())
        wait_until(lambda: b"tasks.rendering" in (press / "cmdline").read_bytes())
        wait_until(lambda: Path(order.folder, "stderr").exists())
        wait_until(lambda: is_at_work(press))
        orderer.kill()
    wait_until(lambda: not press.exists() or state(press) == "Z")


def state(process: Path) -> str:
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def is_at_work(press: Path) -> bool:
    """Whether it is past its start: DuckDB is loaded."""
    return "_duckdb" in (press / "maps").read_text()


def test_an_orphaned_render_process_ends_by_itself() -> None:
    code = (
        "import signal; from tasks.rendering.__main__ import limit_process;"
        "limit_process(0); signal.pause()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=process.ROOT, timeout=30 * PATIENCE, check=False
    )
    assert done.returncode == -signal.SIGALRM


def test_the_render_process_does_not_import_celery() -> None:
    code = "import sys; import tasks.rendering.__main__; sys.exit('celery' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=process.ROOT, timeout=30 * PATIENCE, check=False
    )
    assert done.returncode == 0
