"""Parts of Celery's own integration suite pass; ``make celery-suite`` runs all of it."""

import os
import subprocess
import sys

import pytest

from tests.celery_suite.source import ROOT, fetch_suite

SUITE_TIMEOUT_SECONDS = 450.0


@pytest.fixture(scope="module", autouse=True)
def suite() -> None:
    """The tests, from the package index."""
    try:
        fetch_suite()
    except subprocess.CalledProcessError as problem:
        if "CI" in os.environ:
            raise
        pytest.skip(f"the source of Celery cannot be fetched: {problem}")


@pytest.mark.timeout(SUITE_TIMEOUT_SECONDS + 20)
@pytest.mark.parametrize(("workers", "part"), [("outside", "test_chain"), ("inside", "test_group")])
def test_what_passes_on_stock_celery_passes_here(workers: str, part: str) -> None:
    suite = subprocess.run(
        [sys.executable, "-m", "tests.celery_suite", part],
        cwd=ROOT,
        env=os.environ | {"SUITE_WORKERS": workers},
        capture_output=True,
        text=True,
        timeout=SUITE_TIMEOUT_SECONDS,
        check=False,
    )

    assert suite.returncode == 0, suite.stdout[-4000:]
    assert f"{workers} " in suite.stdout
