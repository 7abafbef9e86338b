"""A Valkey and a worker of two processes, on which a benchmark of one process measures."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 300.0


@contextmanager
def run_worker(*options: str) -> Iterator[None]:
    """Start both; this process and the worker find the Valkey by their environment.

    ``options`` of ``celery worker``. Import ``project.celery`` only inside the block.
    """
    from project.local.valkey import EmbeddedValkey
    from tests.support.ports import find_free_port

    command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=WARNING"]
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name:
        port = find_free_port()
        os.environ |= {"DATA_DIR": name, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        with EmbeddedValkey(Path(name) / "valkey", port):
            worker = subprocess.Popen([*command, "--concurrency=2", *options])
            try:
                yield
            finally:
                worker.terminate()
                worker.wait(STOP_SECONDS)
