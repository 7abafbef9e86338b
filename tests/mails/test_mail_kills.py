"""The short form of ``python -m tests.mails``."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.mails.kills import Scene
from tests.support.ports import free_port
from tests.support.smtp_server import Scripted
from tests.support.workers import Workers

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Workers, a Valkey and a mail server of its own."""
    with EmbeddedValkey(tmp_path / "valkey", free_port()) as valkey, Scripted() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with redis.Redis.from_url(valkey.url) as client:
            workers = Workers(tmp_path, valkey.url, client)
            yield Scene(workers, server, seed=7)
            workers.dismiss()
        server.shutdown()


def test_killed_workers_mail_nobody_twice_and_forget_nobody(scene: Scene) -> None:
    figures = scene.run(recipients=1_500, workers=2, kills=4, pause=0.4)
    assert figures.broken() == [], figures.to_dict()
    assert figures.kills == 4
    assert figures.outcomes["sent"] >= 1_500 - figures.doubt
