"""Artifacts in an S3 bucket: a real server, and the API in front of it."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from project.artifacts.multipart import UploadRefused, list_unfinished
from project.artifacts.storage import Bucket
from project.settings.bucket import BucketAccess, read_bucket_access
from tests.support.ports import find_free_port
from tests.support.programs.api_process import start_api, wait_until_reachable
from tests.support.servers.s3 import serve_s3
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]
PARTS = 12 << 20
"""Bytes that are uploaded in parts."""

KEEP = """
from project.artifacts import links
with links.open_workshop() as folder:
    file = folder / "file"
    file.write_bytes(b"some 8 b" * ({size} >> 3))
    kept = [links.store_artifact(file, "export.csv") for _ in range(2)]
    assert kept[0] == kept[1]
    print(links.build_link(kept[0]), kept[0].key)
"""
OBJECTS = """
from project.artifacts import links
print(sum(len(some) for some in links.open_storage().store.list()))
"""
BACKDATE = """
import obstore
from project.artifacts import links
store = links.open_storage().store
for some in list(store.list()):
    for entry in some:
        store.rename(entry["path"], "2001-09-09/" + entry["path"].rpartition("/")[2])
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which artifacts are in a bucket."""
    folder = tmp_path_factory.mktemp("s3")
    with serve_s3(folder) as environment:
        yield environment | {"DATA_DIR": str(folder / "data")}


def run_python(bucket: dict[str, str], *arguments: str) -> list[str]:
    """What a Python process with that environment prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | bucket,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("size", [1 << 10, PARTS])
def test_a_link_redirects_to_the_bucket_until_it_expires(bucket: dict[str, str], size: int) -> None:
    link, key = run_python(bucket, "-c", KEEP.format(size=size))
    with start_api("api.app:build", **bucket) as api:
        wait_until_reachable(lambda: api.get("/health/live").status_code == 200)
        sent_on = api.get(urlsplit(link).path)
        with api.client() as client:
            for_head = client.head(urlsplit(link).path).headers["Location"]
    assert (sent_on.status_code, sent_on.headers["Cache-Control"]) == (302, "no-store")
    address = sent_on.headers["Location"]
    with httpx2.Client(trust_env=False, timeout=20) as client:
        file = client.get(address)
        assert hashlib.sha256(file.content).hexdigest() in key
        assert len(file.content) == size
        assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert file.headers["Content-Disposition"] == 'attachment; filename="export.csv"'

        part = client.get(address, headers={"Range": "bytes=0-7"})
        assert (part.status_code, part.content) == (206, b"some 8 b")
        assert client.get(f"{address}0").status_code == 403
        assert client.head(for_head).headers["Content-Length"] == str(size)


def test_the_janitor_removes_only_old_objects(bucket: dict[str, str]) -> None:
    run_python(bucket, "-c", KEEP.format(size=1 << 12))
    run_python(bucket, "-c", BACKDATE)
    run_python(bucket, "-c", KEEP.format(size=1 << 12))
    before = int(run_python(bucket, "-c", OBJECTS)[0])

    said = run_python(bucket, "-m", "project.artifacts.cleanup")

    assert int(said[1]) == before - 1
    assert run_python(bucket, "-c", OBJECTS) == ["1"]


def test_a_bucket_that_refuses_the_credentials_is_an_error(bucket: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEEP.format(size=8)],
        cwd=ROOT,
        env=os.environ | bucket | {"AWS_SECRET_ACCESS_KEY": "wrong"},
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "SignatureDoesNotMatch" in done.stderr or "403" in done.stderr


FORKED = """
import multiprocessing
import obstore  # loaded, and not used, before the fork
from project.artifacts import links

def keep():
    with links.open_workshop() as folder:
        (folder / "file").write_bytes(b"from a fork")
        links.store_artifact(folder / "file", "a.csv")

worker = multiprocessing.get_context("fork").Process(target=keep)
worker.start()
worker.join(30)
print(worker.exitcode)
"""


def test_a_forked_worker_reaches_the_bucket(bucket: dict[str, str]) -> None:
    assert run_python(bucket, "-W", "ignore", "-c", FORKED) == ["0"]


LARGE = 128 << 20
"""Bytes of an upload that takes a while."""
KEEP_LARGE = f"""
from project.artifacts import links
with links.open_workshop() as folder:
    file = folder / "file"
    with file.open("wb") as content:
        for part in range({LARGE >> 20}):
            content.write(b"{{}} %06d" % part * (1 << 17))
    print(links.store_artifact(file, "export.csv").key, flush=True)
"""
CUT = """
import os, time
import obstore
from project.artifacts import links
from project.settings.bucket import BucketAccess, read_bucket_access
from project.artifacts.storage import Bucket
from project.artifacts.multipart import list_unfinished
writer = obstore.open_writer(links.open_storage().store, "2001-09-09/left.csv", buffer_size=5 << 20)
writer.write(b"8 bytes " * (2 << 20))
while not list_unfinished(read_bucket_access(), "files", "jobs/2001-09-09/"):
    time.sleep(0.01)
os._exit(0)
"""


def large(content: str) -> str:
    """A program that keeps a large file, whose bytes nobody else has."""
    return KEEP_LARGE.format(content)


@pytest.fixture
def access(bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> BucketAccess:
    """How to reach the bucket."""
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    found = read_bucket_access()
    assert found
    return found


def sizes(bucket: dict[str, str], key: str) -> list[str]:
    """The sizes of the objects whose key begins so."""
    code = f"""
from project.artifacts import links
for some in links.open_storage().store.list({key.rpartition("/")[0]!r}):
    print(*(one["size"] for one in some if one["path"].startswith({key!r})))
"""
    return run_python(bucket, "-c", code)


def test_a_killed_upload_leaves_no_object_and_the_next_attempt_leaves_a_whole_one(
    bucket: dict[str, str], access: BucketAccess
) -> None:
    command = [sys.executable, "-c", large("a")]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | bucket) as first:
        (upload,) = wait_until_reachable(lambda: list_unfinished(access, "files", "jobs/"))
        first.kill()
    assert first.returncode == -9

    key = upload.key.removeprefix("jobs/")
    assert sizes(bucket, key) == []
    assert run_python(bucket, "-c", large("a")) == [key]
    assert sizes(bucket, key) == [str(LARGE)]
    assert list_unfinished(access, "files", "jobs/") == [upload]


def test_two_workers_that_store_the_same_large_file_both_succeed(bucket: dict[str, str]) -> None:
    command = [sys.executable, "-c", large("b")]
    environment = os.environ | bucket

    pair = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [worker.communicate(timeout=60 * PATIENCE)[0].split()[-1] for worker in pair]

    assert [worker.returncode for worker in pair] == [0, 0]
    assert said[0] == said[1]
    assert sizes(bucket, said[0]) == [str(LARGE)]


def test_the_janitor_aborts_only_old_uploads(bucket: dict[str, str], access: BucketAccess) -> None:
    run_python(bucket, "-c", CUT)
    others = list_unfinished(access, "files", f"jobs/{datetime.now(UTC).year}")

    run_python(bucket, "-m", "project.artifacts.cleanup")

    assert list_unfinished(access, "files", "jobs/") == others


def test_uploads_that_cannot_be_listed_count_as_none(
    access: BucketAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UploadRefused, match="GET /files/: 403"):
        list_unfinished(access._replace(secret="wrong"), "files", "")

    seen = Bucket("s3://files/jobs")._list_unfinished  # noqa: SLF001 - what the janitor sees
    assert seen("")

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert seen("") == []

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{find_free_port()}")
    assert seen("") == []

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert seen("") == []
