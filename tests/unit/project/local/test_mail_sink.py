import asyncio
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from project.errors import UnsafeStart
from project.local import mail_sink
from project.local.mail_sink import MailFolder

ROOT = Path(__file__).parents[4]
MAIL = b"Subject: hi\r\n\r\n.hello\r\n"


@dataclass
class Running:
    port: int
    process: subprocess.Popen[str]
    folder: Path

    def mails(self) -> list[Path]:
        return sorted(self.folder.glob("*"))

    def client(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="test", timeout=10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def start(port: int, data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "project.local.mail_sink"],
        cwd=ROOT,
        env=os.environ | {"SMTP_PORT": str(port), "DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    port = free_port()
    with start(port, tmp_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith(f"outbox: taking mails on 127.0.0.1:{port}, ")
            yield Running(port, process, tmp_path / "outbox")
        finally:
            process.kill()


def test_an_accepted_mail_is_on_disk(running: Running) -> None:
    with running.client() as client:
        client.sendmail("c@x.org", ["ada@x.org", "bob@x.org"], MAIL)
        (mail,) = running.mails()

    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml", mail.name)
    assert mail.read_bytes() == (
        b"X-Envelope-From: c@x.org\r\nX-Envelope-To: ada@x.org\r\nX-Envelope-To: bob@x.org\r\n"
        + MAIL
    )


def test_file_names_sort_by_arrival(running: Running) -> None:
    with running.client() as client:
        for number in range(50):
            client.sendmail("c@x.org", ["a@x.org"], f"Subject: {number}\r\n\r\n".encode())

    texts = [path.read_text() for path in running.mails()]
    subjects = re.findall(r"Subject: (\d+)", "".join(texts))

    assert subjects == [str(number) for number in range(50)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_with_clients_connected(running: Running, number: int) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        assert client.recv(1024).startswith(b"220 ")
        running.process.send_signal(number)
        assert running.process.wait(timeout=10) == 0
        assert client.recv(1024) == b""

    assert running.process.stderr is not None
    assert running.process.stderr.read() == ""


def test_a_port_in_use_is_one_line_and_a_failure_exit_code(running: Running) -> None:
    with start(running.port, running.folder.parent) as second:
        _, said = second.communicate(timeout=20)

    assert second.returncode == 1
    assert said.startswith(f"outbox: cannot take mails on 127.0.0.1:{running.port}: ")
    assert "address already in use" in said
    assert said.count("\n") == 1


def test_a_mail_that_is_too_large_is_refused_and_not_stored(running: Running) -> None:
    with running.client() as client:
        large = (b"x" * 900 + b"\r\n") * (mail_sink.MAX_MAIL_BYTES // 900)
        client.ehlo_or_helo_if_needed()
        client.mail("c@x.org")
        client.rcpt("a@x.org")
        assert client.data(large)[0] == 552
        client.sendmail("c@x.org", ["a@x.org"], MAIL)

    assert len(running.mails()) == 1


def test_an_endless_line_is_cut_off(running: Running) -> None:
    with running.client() as client:
        client.ehlo_or_helo_if_needed()
        client.mail("c@x.org")
        client.rcpt("a@x.org")
        assert client.docmd("DATA")[0] == 354
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.send(b"\n" * (2 * mail_sink.MAX_MAIL_BYTES))
        client.close()
    with running.client() as client:
        client.sendmail("c@x.org", ["a@x.org"], MAIL)


def test_a_mail_has_at_most_a_hundred_recipients(running: Running) -> None:
    many = [f"a{number}@x.org" for number in range(mail_sink.MAX_RECIPIENTS + 1)]

    with running.client() as client:
        refused = client.sendmail("c@x.org", many, MAIL)

    assert list(refused) == [many[-1]]
    assert refused[many[-1]][0] == 452


def test_a_full_disk_is_a_temporary_refusal(running: Running) -> None:
    running.folder.rmdir()

    with running.client() as client:
        with pytest.raises(smtplib.SMTPDataError, match="452"):
            client.sendmail("c@x.org", ["a@x.org"], MAIL)
        running.folder.mkdir()
        client.sendmail("c@x.org", ["a@x.org"], MAIL)

    assert len(running.mails()) == 1


def test_a_connection_over_the_limit_is_refused_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sink, "MAX_CONNECTIONS", 1)

    async def connect_twice() -> bytes:
        async with mail_sink.listen(MailFolder(tmp_path), 0) as port:
            first, first_writer = await asyncio.open_connection("127.0.0.1", port)
            assert (await first.readline()).startswith(b"220 ")
            second, second_writer = await asyncio.open_connection("127.0.0.1", port)
            said = await second.read()
            for writer in (first_writer, second_writer):
                writer.close()
            return said

    assert asyncio.run(asyncio.wait_for(connect_twice(), 10)) == mail_sink.BUSY


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - must be refused
def test_a_host_that_other_machines_can_reach_is_refused(host: str, tmp_path: Path) -> None:
    async def listen() -> None:
        async with mail_sink.listen(MailFolder(tmp_path), 0, host):
            pass

    with pytest.raises(UnsafeStart, match="not a loopback address"):
        asyncio.run(listen())


def test_the_oldest_mails_are_deleted_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sink, "MAX_FILES", 3)
    box = MailFolder(tmp_path)

    paths = [box.keep(b"x") for _ in range(5)]

    assert sorted(tmp_path.iterdir()) == paths[2:]


def test_the_oldest_mails_are_deleted_when_they_are_too_large_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sink, "MAX_TOTAL_BYTES", 100)
    box = MailFolder(tmp_path)

    paths = [box.keep(b"x" * 40) for _ in range(5)]

    assert sorted(tmp_path.iterdir()) == paths[3:]


def test_mails_of_an_earlier_run_count_and_its_drafts_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sink, "MAX_FILES", 2)
    for name in ("1.eml", "2.eml", "3.eml", ".4.eml.draft"):
        (tmp_path / name).write_bytes(b"x")
    box = MailFolder(tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["2.eml", "3.eml"]

    newest = box.keep(b"x")
    assert sorted(tmp_path.iterdir()) == [newest, tmp_path / "3.eml"]


def test_a_mail_that_was_deleted_by_hand_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sink, "MAX_FILES", 1)
    box = MailFolder(tmp_path)
    box.keep(b"x").unlink()

    newest = box.keep(b"x")

    assert list(tmp_path.iterdir()) == [newest]
