"""Downloads from a real API, small ones and one that is larger than its memory may grow."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.programs.api_process import (
    ApiProcess,
    find_free_port,
    start_api,
    wait_until_reachable,
)
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]
LARGE = 300 << 20
MEBIBYTE = 1 << 20

KEEP = """
import sys
from project.artifacts import links
with links.open_workshop() as folder:
    file = folder / "file"
    with file.open("wb") as out:
        for number in range(int(sys.argv[1])):
            out.write(number.to_bytes(8, "big") * 131_072)
    artifact = links.store_artifact(file, sys.argv[2])
    print(links.build_link(artifact), artifact.sha256)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[ApiProcess]:
    with start_api("api.app:build", DATA_DIR=str(home), CONTINUO_API_KEYS="") as process:
        wait_until_reachable(lambda: process.get("/health/live").status_code == 200)
        yield process


def store_file(home: Path, mebibytes: int, name: str, **environment: str) -> tuple[str, str]:
    """Keep a file as a worker does: the path of its link, its hash."""
    done = subprocess.run(
        [sys.executable, "-c", KEEP, str(mebibytes), name],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=True,
    )
    link, digest = done.stdout.split()
    return urlsplit(link).path, digest


@pytest.fixture(scope="module")
def small(home: Path) -> tuple[str, str]:
    return store_file(home, 1, "Größe.pdf")


@pytest.fixture(scope="module")
def large(home: Path) -> tuple[str, str]:
    return store_file(home, LARGE // MEBIBYTE, "export.csv")


def test_a_small_file_is_sent_as_the_answer(api: ApiProcess, small: tuple[str, str]) -> None:
    path, digest = small
    answer = api.get(path)

    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == digest
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf" in answer.headers["Content-Disposition"]
    assert api.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_head_has_the_size_of_the_file(
    api: ApiProcess, small: tuple[str, str], large: tuple[str, str]
) -> None:
    with api.client() as client:
        assert client.head(small[0]).headers["Content-Length"] == str(MEBIBYTE)
        head = client.head(large[0])
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(LARGE))


def test_a_range_of_a_small_file_is_sent(api: ApiProcess, small: tuple[str, str]) -> None:
    answer = api.get(small[0], headers={"Range": "bytes=8-15"})
    assert (answer.status_code, answer.content) == (206, bytes(8))
    assert answer.headers["Content-Range"] == f"bytes 8-15/{MEBIBYTE}"

    beyond = api.get(small[0], headers={"Range": f"bytes={MEBIBYTE}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{MEBIBYTE}")


def test_a_changed_link_is_refused(api: ApiProcess, small: tuple[str, str]) -> None:
    answer = api.get(small[0].replace(".", ".A", 1))
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_expired_link_is_410(
    home: Path, api: ApiProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from itsdangerous import URLSafeTimedSerializer

    from project.artifacts.links import SALT

    secret = (home / "secret_key").read_text()
    signer = URLSafeTimedSerializer(secret, salt=SALT)
    monkeypatch.setattr("time.time", lambda: 1_000_000_000)
    token = signer.dumps(["2001-09-09/0123.pdf", "a.pdf"])
    monkeypatch.undo()

    assert api.get(f"/artifacts/{token}").status_code == 410


def memory_peak(api: ApiProcess) -> int:
    """Bytes that the API's largest process ever had."""
    children = Path(f"/proc/{api.popen.pid}/task/{api.popen.pid}/children").read_text().split()
    statuses = (Path(f"/proc/{pid}/status").read_text() for pid in children)
    peaks = (line.split()[1] for text in statuses for line in text.splitlines() if "VmHWM" in line)
    return 1024 * max(map(int, peaks))


def test_a_large_file_is_sent_without_loading_it_into_memory(
    api: ApiProcess, large: tuple[str, str]
) -> None:
    path, digest = large
    before = memory_peak(api)
    sent_on = api.get(path)
    assert sent_on.status_code == 302

    got, address = hashlib.sha256(), sent_on.headers["Location"]
    with httpx2.stream("GET", address, trust_env=False, timeout=30) as answer:
        assert answer.headers["Content-Length"] == str(LARGE)
        for some in answer.iter_bytes():
            got.update(some)

    assert got.hexdigest() == digest
    assert memory_peak(api) - before < 16 * MEBIBYTE


def test_a_large_download_resumes_where_it_broke_off(
    api: ApiProcess, large: tuple[str, str]
) -> None:
    with api.client() as client:
        tag = client.head(large[0]).headers["ETag"]
    headers = {"Range": f"bytes={LARGE - 8}-", "If-Range": tag}
    direct = api.get(large[0], headers=headers)
    assert direct.status_code == 206

    address = api.get(large[0]).headers["Location"]
    last = httpx2.get(address, headers=headers, trust_env=False)
    assert (last.status_code, last.content) == (206, direct.content)
    assert int.from_bytes(last.content, "big") == LARGE // MEBIBYTE - 1

    other = httpx2.head(address, headers=headers | {"If-Range": '"other"'}, trust_env=False)
    assert other.status_code == 200


def test_the_files_port_refuses_what_the_api_refuses(
    api: ApiProcess, large: tuple[str, str]
) -> None:
    address = api.get(large[0]).headers["Location"]
    base = address.partition("/artifacts/")[0]
    with httpx2.Client(trust_env=False) as client:
        assert client.get(f"{address}x").status_code == 403
        assert client.get(f"{base}/reports").status_code == 404
        assert client.post(address).status_code == 501
        assert client.get(f"{base}/artifacts/../../etc/passwd").status_code in {403, 404}


def test_a_client_that_disconnects_early_does_no_harm(
    api: ApiProcess, large: tuple[str, str]
) -> None:
    address = urlsplit(api.get(large[0]).headers["Location"])

    for _ in range(70):  # more than there are places
        with socket.create_connection((str(address.hostname), address.port or 0)) as leaver:
            leaver.sendall(f"GET {address.path} HTTP/1.1\r\n\r\n".encode())
            assert leaver.recv(15) == b"HTTP/1.1 200 OK"

    assert httpx2.head(address.geturl(), trust_env=False, timeout=20).status_code == 200


def test_a_configured_files_port_is_open_from_the_start(home: Path) -> None:
    port = find_free_port()
    chosen = {"FILES_PORT": str(port), "FILES_URL": "https://files.example.com/"}
    path, digest = store_file(home, 5, "five.zip")
    with start_api("api.app:build", DATA_DIR=str(home), **chosen) as api:
        wait_until_reachable(lambda: api.get("/health/live").status_code == 200)
        direct = httpx2.get(f"http://127.0.0.1:{port}{path}", trust_env=False)

        assert hashlib.sha256(direct.content).hexdigest() == digest
        assert api.get(path).headers["Location"] == f"https://files.example.com{path}"
