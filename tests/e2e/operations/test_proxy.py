"""nginx in front of a running system, configured as in the guide."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.documents.guides import DOCS, parse_blocks
from tests.support.ports import find_free_port
from tests.support.programs.processes import Program
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE, wait_until

PAGE = DOCS / "how-to" / "behind-a-proxy.md"
HOST = "jobs.example.com"
LARGE = 6 << 20
FRAME = """
pid {folder}/pid;
daemon off;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""


def program(name: str) -> str:
    """The path of a program. Without it the test is skipped, in CI it fails."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
    return str(path)


class Proxy:
    """The guide's nginx on free ports, with a new certificate."""

    def __init__(self, folder: Path, system: System, files_port: int) -> None:
        self.port = find_free_port()
        key, certificate = folder / "key.pem", folder / "cert.pem"
        request = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", f"/CN={HOST}"]
        out = ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out"]
        subprocess.run(
            [program("openssl"), *request, *out, str(certificate)],
            capture_output=True,
            timeout=60 * PATIENCE,
            check=True,
        )
        (site,) = [block.code for block in parse_blocks(PAGE) if block.language == "nginx"]
        changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(certificate),
            f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(key),
            "127.0.0.1:8000": f"127.0.0.1:{system.ports['PORT']}",
            "127.0.0.1:8001": f"127.0.0.1:{files_port}",
        }
        for old, new in changes.items():
            assert old in site
            site = site.replace(old, new)
        config = folder / "nginx.conf"
        config.write_text(FRAME.format(folder=folder, site=site))
        command = [program("nginx"), "-p", str(folder), "-c", str(config)]
        self.program = Program(command, folder / "nginx.log", {})
        self.http = httpx2.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": HOST},
            verify=False,
            timeout=40 * PATIENCE,
            trust_env=False,
        )

    def answers(self) -> bool:
        """Whether the system answers through the proxy."""
        assert self.program.is_running, self.program.output
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def close(self) -> None:
        """Stop nginx."""
        self.http.close()
        self.program.kill()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    program("nginx")
    folder, files_port = tmp_path_factory.mktemp("proxy"), find_free_port()
    system = System(tmp_path_factory.mktemp("system"))
    system.start(PUBLIC_URL=f"https://{HOST}", FILES_PORT=str(files_port))
    proxy = Proxy(folder, system, files_port)
    try:
        wait_until(proxy.answers)
        yield proxy
    finally:
        proxy.close()
        system.close()


def test_a_report_is_ordered_awaited_and_fetched(proxy: Proxy) -> None:
    order = {"type": "monthly"}
    record = proxy.http.post("/reports", json=order, headers={"Prefer": "wait=25"}).json()

    assert record["status"] == "success"

    link = urlsplit(record["result"]["download_url"])
    assert (link.scheme, link.netloc) == ("https", HOST)
    assert proxy.http.get(link.path).content[:5] == b"%PDF-"


def test_a_large_file_is_served_through_the_proxy_without_a_redirect(proxy: Proxy) -> None:
    order = {"source": "flights", "query": "departures", "format": "csv"}
    record = proxy.http.post("/exports", json=order, headers={"Prefer": "wait=25"}).json()
    answer = proxy.http.get(urlsplit(record["result"]["download_url"]).path)

    assert answer.status_code == 200
    assert len(answer.content) == record["result"]["size"] > LARGE


def test_events_and_the_console_work_through_the_proxy(proxy: Proxy) -> None:
    assert proxy.http.get("/").status_code == 200

    events = proxy.http.get("/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert "event: snapshot" in events.text


def test_the_proxy_refuses_a_body_over_the_limit(proxy: Proxy) -> None:
    answer = proxy.http.post("/emails", content=b"x" * 1_100_000)

    assert answer.status_code == 413
