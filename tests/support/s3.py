"""A real S3 server under test: SeaweedFS, which checks signatures and their time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.support.ports import free_port
from tests.support.waiting import until

WEED = Path(sys.executable).parent / "weed"
START_SECONDS = 60.0
KEY = {"accessKey": "tests-access", "secretKey": "tests-secret"}
ALLOWED = {
    "identities": [
        {"name": "tests", "credentials": [KEY], "actions": ["Admin", "Read", "List", "Write"]}
    ]
}


@contextmanager
def serving_s3(folder: Path) -> Iterator[dict[str, str]]:
    """A server, which makes buckets as they are written to; the environment to reach it in."""
    port = free_port()
    config = folder / "s3.json"
    config.write_text(json.dumps(ALLOWED))
    with (folder / "weed.log").open("wb") as log:
        weed = subprocess.Popen(command(folder, config, port), stdout=log, stderr=log, cwd=folder)
    try:
        until(lambda: answers(port) or weed.poll() is not None, START_SECONDS)
        yield {
            "AWS_ACCESS_KEY_ID": KEY["accessKey"],
            "AWS_SECRET_ACCESS_KEY": KEY["secretKey"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": "us-east-1",
            "ARTIFACTS_URL": "s3://files/jobs",
        }
    finally:
        weed.kill()
        weed.wait(10)


def command(folder: Path, config: Path, port: int) -> list[str]:
    """All parts of the server in one process, on ports of its own."""
    ports = {
        f"-{part}{end}": str(free_port())
        for part in ("master", "volume", "filer")
        for end in (".port", ".port.grpc")
    }
    options = {
        "-ip": "127.0.0.1",
        "-ip.bind": "127.0.0.1",
        "-dir": str(folder),
        **ports,
        "-s3.port": str(port),
        "-s3.port.grpc": str(free_port()),
        "-s3.config": str(config),
        "-master.volumeSizeLimitMB": "64",
        "-volume.max": "20",
    }
    said = [f"{name}={value}" for name, value in options.items()]
    return [str(WEED), "server", "-filer", "-s3", *said]


def answers(port: int) -> bool:
    """Whether it refuses those without a key, which it does when all of it is there."""
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 403
    return False
