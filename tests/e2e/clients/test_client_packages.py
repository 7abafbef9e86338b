"""The clients as they are published: built, installed in clean folders, and used from there."""

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from continuo_client import Client
from playwright.sync_api import Route

from project.version import read_version
from tests.support.browsers.playwright_browser import launch_browser, visit_page
from tests.support.clients.examples import read_example
from tests.support.clients.registries import require_registries
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.servers.file_plans import serve_file
from tests.support.servers.scripted_http import (
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.waiting import PATIENCE, wait_until

PROGRAMS = Path(__file__).parent / "typescript"
SECONDS = 240 * PATIENCE
KEY = "k" * 40
VERSION = read_version()
WHEEL = f"continuo_client-{VERSION}-py3-none-any.whl"
SOURCE = f"continuo_client-{VERSION}.tar.gz"
TARBALL = f"continuo-client-{VERSION}.tgz"
CONTENT = bytes(range(256)) * 40
INVOICE = {"customer": "ACME", "lines": [{"text": "work", "amount": 2}]}

IN_A_BROWSER = """
async ([url, key]) => {
  const { Client } = await import("/client/index.js");
  const client = new Client(url, { key });
  const body = { customer: "ACME", lines: [{ text: "work", amount: 2 }] };
  const job = await client.order("invoice", body);
  let last;
  for await (const event of client.follow(job, { seconds: 60 })) last = event.name;
  const error = await client.order("invoice", {}).catch((each) => each);
  return { total: (await client.result(job)).total, last, refused: error.constructor.name };
}
"""
USE = """
import sys
from continuo_client import Client
with Client(sys.argv[1], sys.argv[2]) as client:
    job = client.order("invoice", {"customer": "A", "lines": [{"text": "x", "amount": 4}]})
    print(client.result(job, 60)["total"])
"""

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, folder: Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what the clients are published as."""
    require_registries()
    folder = tmp_path_factory.mktemp("built")
    run(ROOT / "bin" / "build-clients", folder, folder=ROOT)
    return folder


@pytest.fixture(scope="module")
def node_folder(
    built: Path, kinds_system: System, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of a user with the npm package, and with the types of the system's kinds."""
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    options = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save")
    run("npm", "install", *options, built / TARBALL, folder=folder)
    document = folder / "openapi.json"
    document.write_text(kinds_system.http.get("/openapi.json").text)
    run(
        "npx", "--no", "openapi-typescript", document, "--output", "api.ts",
        "--default-non-nullable", "false", folder=folder,
    )  # fmt: skip
    return folder


def test_the_packages_hold_what_they_need_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / WHEEL) as wheel:
        in_wheel = set(wheel.namelist())
    with tarfile.open(built / SOURCE) as source:
        in_source = {name.partition("/")[2] for name in source.getnames()}
    with tarfile.open(built / TARBALL) as tarball:
        in_tarball = set(tarball.getnames())

    about = f"continuo_client-{VERSION}.dist-info"
    assert {f"{about}/licenses/LICENSE", "continuo_client/py.typed"} <= in_wheel
    assert {name.partition("/")[0] for name in in_wheel} == {"continuo_client", about}
    assert {"LICENSE", "README.md", "pyproject.toml", "src/continuo_client/py.typed"} <= in_source
    assert {
        "package/LICENSE",
        "package/README.md",
        "package/dist/index.js",
        "package/dist/node.d.ts",
        "package/dist/api.d.ts",
    } <= in_tarball
    assert not any(name.startswith(("package/src", "package/node_modules")) for name in in_tarball)
    assert {path.name for path in built.iterdir()} == {WHEEL, SOURCE, TARBALL}


def test_the_wheel_orders_jobs_from_a_clean_environment(
    built: Path, kinds_system: System, tmp_path: Path
) -> None:
    uv = (ROOT / "bin" / "bootstrap", "uv")
    python = shutil.which("python3.11", path="/usr/bin:/usr/local/bin") or sys.executable
    run(*uv, "venv", "--quiet", "--python", python, tmp_path / "venv", folder=ROOT)
    own = tmp_path / "venv" / "bin" / "python"
    run(*uv, "pip", "install", "--quiet", "--python", own, built / WHEEL, folder=ROOT)

    url = str(kinds_system.http.base_url)
    told = run(own, "-I", "-c", USE, url, KEY, folder=tmp_path)
    command = (own.with_name("continuo"), "--url", url, "--key", KEY)
    version = run(own.with_name("continuo"), "--version", folder=tmp_path)
    read = run(*command, "order", "reading", "meterId=m", "--wait", "50", folder=tmp_path)

    assert told == "4.0\n"
    assert version == f"continuo {VERSION}\n"
    assert "status    success" in read.splitlines()


def test_the_npm_package_does_all_that_the_python_client_does(
    node_folder: Path, kinds_system: System
) -> None:
    url, tag = str(kinds_system.http.base_url), uuid4().hex
    with ScriptedHttpServer("127.0.0.1") as server, Client(url, KEY) as client:
        called = client.order("invoice", INVOICE, callback_url=server.url)
        wait_until(lambda: server.requests, 40)
        request = server.requests[0]
    secret = (kinds_system.folder / "webhook_secret").read_text().strip()
    callback = {"secret": secret, "headers": request.headers, "body": request.body.decode()}

    said: dict[str, Any] = json.loads(
        run("node", "jobs.js", url, KEY, tag, json.dumps(callback), folder=node_folder)
    )

    kinds = said.pop("kinds")
    assert {"invoice", "parcel"} <= set(kinds)
    assert said == {
        "total": 2,
        "arguments": "ACME",
        "isPdf": True,
        "isSame": True,
        "invalid": [True, ["/customer", "/lines"]],
        "unknown": "UnknownKind",
        "again": "cancelled",
        "events": [["snapshot", "pending"], ["change", "cancelled"], ["end", "cancelled"]],
        "cancelled": "JobCancelled",
        "rerun": "B",
        "conflict": "Conflict",
        "outcomes": [202] * 5 + [422],
        "listed": 7,
        "statuses": ["cancelled"] * 5 + ["success"] * 2,
        "workflow": ["success", ["a", "b"]],
        "unfinished": "NotFinished",
        "twice": "cancelled",
        "batch": 2,
        "named": 2,
        "deleted": "NotFound",
        "history": ["cancelled"] * 5 + ["success"],
        "nobody": 0,
        "queue": True,
        "slots": 2,
        "callback": called["id"],
        "forged": "InvalidSignature",
    }


def test_the_npm_package_works_in_a_browser(node_folder: Path, kinds_system: System) -> None:
    url = str(kinds_system.http.base_url)
    modules = node_folder / "node_modules" / "continuo-client" / "dist"

    def serve_module(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        route.fulfill(path=modules / name, content_type="text/javascript")

    with launch_browser() as browser, visit_page(browser, url) as page:
        page.route("**/client/*", serve_module)
        said = page.evaluate(IN_A_BROWSER, [url, KEY])

    assert said == {"total": 2, "last": "end", "refused": "InvalidOrder"}


def test_the_compiler_finds_wrong_payloads(node_folder: Path) -> None:
    run("npx", "--no", "tsc", folder=node_folder)


def test_node_loses_and_doubles_no_order_when_the_api_is_killed(
    node_folder: Path, kinds_system: System
) -> None:
    url, tag = str(kinds_system.http.base_url), uuid4().hex
    ids = []
    with subprocess.Popen(
        ["node", "fifty.js", url, KEY, tag, str(60 * PATIENCE)],  # noqa: S607 - from PATH, as run() does
        cwd=node_folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout
        for line in program.stdout:
            ids.append(line.strip())
            if len(ids) in {10, 30}:
                kinds_system.kill_api()
                wait_until(kinds_system.is_ready, 60)

    assert program.returncode == 0
    with Client(url, KEY) as client:
        found = list(client.jobs(tag=tag))
        told = [client.arguments(each)["kwargs"]["order"]["lines"][0]["amount"] for each in found]
    assert sorted(each["id"] for each in found) == sorted(ids)
    assert sorted(told) == list(range(50))


@pytest.mark.parametrize(
    ("program", "answered"),
    [("order", b'{"id":"1"}'), ("bulk", b'{"tasks":[]}'), ("call", b"")],
    ids=["order", "bulk", "call"],
)
def test_node_repeats_orders_under_the_same_key_and_other_calls_never(
    node_folder: Path, program: str, answered: bytes
) -> None:
    busy = build_response(503)
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"
    with ScriptedHttpServer("127.0.0.1") as server:
        server.plan = respond_with(b"", cut, busy, build_response(200, answered))
        told = run("node", "lost.js", server.url, program, folder=node_folder)
        keys = [each.headers.get("Idempotency-Key") for each in server.requests]

    if program == "call":
        assert (told, keys) == ("true true\n", [None])
    else:
        assert json.loads(told) == ({"id": "1"} if program == "order" else [])
        assert (len(keys), len(set(keys)), bool(keys[0])) == (4, 1, True)


@pytest.mark.parametrize(
    "answer",
    [build_response(200, b"<html>"), build_response(302, Location="http://127.0.0.1:9/")],
    ids=["a page", "a redirect"],
)
def test_node_tells_what_is_not_the_api(node_folder: Path, answer: bytes) -> None:
    with ScriptedHttpServer("127.0.0.1") as server:
        server.plan = respond_with(answer)
        told = run("node", "lost.js", server.url, "page", folder=node_folder)

    assert (told, len(server.requests)) == ("true\n", 1)


def test_node_continues_a_download_where_it_was_cut(node_folder: Path) -> None:
    with ScriptedHttpServer("127.0.0.1") as server:
        server.plan = serve_file(CONTENT, cut_after=4_000, pause=0.3)
        run("node", "lost.js", server.url, "download", folder=node_folder)
        asked = [each.headers.get("Range") or each.headers.get("range") for each in server.requests]

    assert (node_folder / "file.bin").read_bytes() == CONTENT
    assert asked == [None, "bytes=4000-", "bytes=8000-"]


def test_the_example_of_the_guide_works_in_node(node_folder: Path, system: System) -> None:
    (node_folder / "guide.js").write_text(read_example("javascript", str(system.http.base_url)))

    told = run("node", "guide.js", folder=node_folder).splitlines()

    assert told[-2] == "end success"
    assert told[-1].startswith("type ")
    assert (node_folder / "report.pdf").read_bytes().startswith(b"%PDF")
