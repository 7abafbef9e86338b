"""``python -m project.check`` against real services, good and bad ones."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.servers.scripted_smtp import ScriptedSmtpServer
from tests.support.waiting import PATIENCE

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey with a password, and a user who may not use streams."""
    folder, port = tmp_path_factory.mktemp("guarded"), find_free_port()
    with EmbeddedValkey(folder, port) as server, redis.Redis(port=port) as client:
        client.acl_setuser(
            "limited",
            enabled=True,
            passwords=[f"+{PASSWORD}"],
            keys=["*"],
            categories=["+@all", "-@stream"],
        )
        client.config_set("requirepass", PASSWORD)
        yield server


def check(folder: Path, **environment: str) -> tuple[int, dict[str, str], str]:
    """The exit code, name of service -> its line, and all that was said."""
    done = subprocess.run(
        [sys.executable, "-m", "project.check"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert not done.stderr, done.stderr
    lines = {line.split()[1]: " ".join(line.split()) for line in done.stdout.splitlines()}
    return done.returncode, lines, done.stdout


def test_a_good_system_is_ok_and_nothing_of_the_check_is_left(
    guarded: EmbeddedValkey, tmp_path: Path
) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/0"

    code, lines, said = check(tmp_path, REDIS_URL=url)

    assert code == 0, said
    assert list(lines) == ["settings", "redis", "clock", "queues", "files", "disk", "mail"]
    assert PASSWORD not in said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with redis.Redis.from_url(url) as client:
        assert client.dbsize() == 0


@pytest.mark.parametrize(
    ("login", "problem"),
    [
        ("", "it asks for a password, and REDIS_URL has none"),
        (":wrong-password@", "does not accept the user and password"),
        (f"limited:{PASSWORD}@", "XADD on keys continuo:* is refused"),
    ],
)
def test_a_login_that_does_not_work_is_told_as_that(
    guarded: EmbeddedValkey, tmp_path: Path, login: str, problem: str
) -> None:
    url = f"redis://{login}127.0.0.1:{guarded.port}/0"

    code, lines, said = check(tmp_path, REDIS_URL=url)

    assert code == 1
    assert lines["redis"].startswith("wrong redis")
    assert problem in lines["redis"]
    assert "password@" not in said


def test_a_redis_that_may_lose_jobs_is_wrong(tmp_path: Path) -> None:
    port = find_free_port()
    options = ("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    with EmbeddedValkey(tmp_path / "valkey", port, *options):
        code, lines, _ = check(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}/0")

    assert code == 1
    assert "set appendonly yes" in lines["redis"]
    assert "allkeys-lru drops jobs: set noeviction" in lines["redis"]


def test_every_service_is_tried_although_others_are_away(tmp_path: Path) -> None:
    port = find_free_port()
    away = f"127.0.0.1:{port}"

    code, lines, said = check(
        tmp_path,
        REDIS_URL=f"redis://:{PASSWORD}@{away}/0",
        BROKER_URL=f"amqp://ada:{PASSWORD}@{away}//",
        SMTP_URL=f"smtp://ada:{PASSWORD}@{away}",
        DATABASE_URL=f"postgresql://ada:{PASSWORD}@{away}/x",
    )

    assert code == 1
    wrong = [name for name, line in lines.items() if line.startswith("wrong")]
    assert wrong == ["redis", "broker", "mail", "database"]
    assert PASSWORD not in said


def test_a_refused_login_to_the_mail_server_is_told(
    guarded: EmbeddedValkey, tmp_path: Path
) -> None:
    with ScriptedSmtpServer() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        server.hello, server.login = "250-scripted\r\n250 AUTH PLAIN", "somethingelse"
        place = f"127.0.0.1:{server.server_address[1]}"

        _, lines, said = check(
            tmp_path,
            REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/0",
            SMTP_URL=f"smtp://ada:{PASSWORD}@{place}",
        )
        server.shutdown()
        serving.join(10)

    assert lines["mail"] == f"wrong mail {place}: 535 go away"
    assert PASSWORD not in said


def test_a_queue_with_jobs_and_no_worker_is_named(tmp_path: Path, guarded: EmbeddedValkey) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/3"
    with redis.Redis.from_url(url) as client:
        client.sadd("continuo:queues", "nobody")
        client.lpush("nobody", "a message")

    code, lines, _ = check(tmp_path, REDIS_URL=url)

    assert code == 1
    assert lines["queues"].startswith("wrong queues jobs wait in nobody, and no worker takes")
