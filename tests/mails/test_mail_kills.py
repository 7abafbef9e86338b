"""The short form of ``python -m tests.mails``."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.mails.kills import MailKillScene
from tests.support.ports import find_free_port
from tests.support.programs.workers import Workers
from tests.support.servers.scripted_smtp import ScriptedSmtpServer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[MailKillScene]:
    """Workers, a Valkey and a mail server for this test."""
    with (
        EmbeddedValkey(tmp_path / "valkey", find_free_port()) as valkey,
        ScriptedSmtpServer() as server,
    ):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with redis.Redis.from_url(valkey.url) as client:
            workers = Workers(tmp_path, valkey.url, client)
            yield MailKillScene(workers, server, seed=7)
            workers.stop()
        server.shutdown()


def test_killed_workers_mail_every_recipient_at_most_once_and_skip_none(
    scene: MailKillScene,
) -> None:
    figures = scene.run(recipients=1_500, workers=2, kills=4, pause=0.4)

    assert figures.find_broken_promises() == [], figures.to_dict()
    assert figures.kills == 4
    assert figures.outcomes["sent"] >= 1_500 - figures.doubt
