"""Artifacts in an S3 bucket: a real server, and the API in front of it."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from http_process import started, until

from tests.bucket import serving_s3

ROOT = Path(__file__).parents[2]
PARTS = 12 << 20
"""Bytes that are uploaded in parts."""

KEEP = """
from project import artifacts
with artifacts.workshop() as folder:
    file = folder / "file"
    file.write_bytes(b"some 8 b" * ({size} >> 3))
    kept = [artifacts.keep(file, "export.csv") for _ in range(2)]
    assert kept[0] == kept[1]
    print(artifacts.link(kept[0]), kept[0].key)
"""
OBJECTS = """
from project import artifacts
print(sum(len(some) for some in artifacts.shelf().store.list()))
"""
BACKDATE = """
import obstore
from project import artifacts
store = artifacts.shelf().store
for some in list(store.list()):
    for entry in some:
        store.rename(entry["path"], "2001-09-09/" + entry["path"].rpartition("/")[2])
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which artifacts are in a bucket."""
    folder = tmp_path_factory.mktemp("s3")
    with serving_s3(folder) as environment:
        yield environment | {"DATA_DIR": str(folder / "data")}


def told(bucket: dict[str, str], *arguments: str) -> list[str]:
    """What a Python process with that environment prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | bucket,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("size", [1 << 10, PARTS])
def test_a_link_leads_to_the_bucket_for_a_while(bucket: dict[str, str], size: int) -> None:
    link, key = told(bucket, "-c", KEEP.format(size=size))
    with started("api.app:build", **bucket) as api:
        until(lambda: api.get("/health/live").status_code == 200)
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


def test_the_janitor_removes_old_objects_and_no_new_ones(bucket: dict[str, str]) -> None:
    told(bucket, "-c", KEEP.format(size=1 << 12))
    told(bucket, "-c", BACKDATE)
    told(bucket, "-c", KEEP.format(size=1 << 12))
    before = int(told(bucket, "-c", OBJECTS)[0])
    said = told(bucket, "-m", "project.janitor")
    assert int(said[1]) == before - 1
    assert told(bucket, "-c", OBJECTS) == ["1"]


def test_a_bucket_that_refuses_us_is_an_error(bucket: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEEP.format(size=8)],
        cwd=ROOT,
        env=os.environ | bucket | {"AWS_SECRET_ACCESS_KEY": "wrong"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "SignatureDoesNotMatch" in done.stderr or "403" in done.stderr


FORKED = """
import multiprocessing
import obstore  # loaded, and not used, before the fork
from project import artifacts

def keep():
    with artifacts.workshop() as folder:
        (folder / "file").write_bytes(b"from a fork")
        artifacts.keep(folder / "file", "a.csv")

worker = multiprocessing.get_context("fork").Process(target=keep)
worker.start()
worker.join(30)
print(worker.exitcode)
"""


def test_a_forked_worker_reaches_the_bucket(bucket: dict[str, str]) -> None:
    assert told(bucket, "-W", "ignore", "-c", FORKED) == ["0"]
