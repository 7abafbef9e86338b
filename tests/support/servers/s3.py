"""Run SeaweedFS as an S3 server; it checks signatures and their time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

WEED = Path(sys.executable).parent / "weed"
START_TIMEOUT_SECONDS = 60.0
CREDENTIALS = {"accessKey": "tests-access", "secretKey": "tests-secret"}
S3_CONFIG = {
    "identities": [
        {
            "name": "tests",
            "credentials": [CREDENTIALS],
            "actions": ["Admin", "Read", "List", "Write"],
        }
    ]
}


@contextmanager
def serve_s3(folder: Path) -> Iterator[dict[str, str]]:
    """Start a server; yields the environment to reach it. Buckets are made on first write."""
    port = find_free_port()
    config = folder / "s3.json"
    config.write_text(json.dumps(S3_CONFIG))
    with (folder / "weed.log").open("wb") as log:
        weed = subprocess.Popen(
            build_command(folder, config, port), stdout=log, stderr=log, cwd=folder
        )
    try:
        wait_until(lambda: is_answering(port) or weed.poll() is not None, START_TIMEOUT_SECONDS)
        yield {
            "AWS_ACCESS_KEY_ID": CREDENTIALS["accessKey"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["secretKey"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": "us-east-1",
            "ARTIFACTS_URL": "s3://files/jobs",
        }
    finally:
        weed.kill()
        weed.wait(10)


def build_command(folder: Path, config: Path, port: int) -> list[str]:
    """The command that runs all parts of SeaweedFS in one process, on free ports."""
    ports = {
        f"-{part}{end}": str(find_free_port())
        for part in ("master", "volume", "filer")
        for end in (".port", ".port.grpc")
    }
    options = {
        "-ip": "127.0.0.1",
        "-ip.bind": "127.0.0.1",
        "-dir": str(folder),
        **ports,
        "-s3.port": str(port),
        "-s3.port.grpc": str(find_free_port()),
        "-s3.config": str(config),
        "-master.volumeSizeLimitMB": "64",
        "-volume.max": "20",
    }
    arguments = [f"{name}={value}" for name, value in options.items()]
    return [str(WEED), "server", "-filer", "-s3", *arguments]


def is_answering(port: int) -> bool:
    """Whether the server answers 403 to a request without a key: all parts run by then."""
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 403
    return False
