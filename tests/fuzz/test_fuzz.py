"""The short form of ``python -m tests.fuzz``."""

from pathlib import Path

import pytest

from project.celery import app
from project.store.client import Store
from tests.fuzz.fuzzer import Fuzzer

CASES = 1_500


@pytest.mark.timeout(360)
@pytest.mark.parametrize(
    ("seed", "options"),
    [(1, ["--concurrency=2"]), (2, ["--pool=solo"]), (3, ["--pool=threads", "--concurrency=2"])],
)
def test_every_random_call_and_message_is_refused_or_ends(
    store: Store, tmp_path: Path, seed: int, options: list[str]
) -> None:
    fuzzer = Fuzzer(app, store.client, seed)

    figures = fuzzer.run(CASES, tmp_path, app.store_url, *options)

    assert figures.is_clean, (figures.crashed, figures.lost[:5], figures.faults[:5])
    assert figures.ended.total() > CASES / 4
    assert figures.dead_letters > CASES / 20
