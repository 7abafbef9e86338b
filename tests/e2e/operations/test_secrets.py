"""Canaries for every secret of a system: none is in anything that a run writes."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port
from tests.support.programs.system import System
from tests.support.waiting import wait_until

API_KEY = "canary-api-key-0123456789"
CANARIES = {
    "API key": API_KEY,
    "redis password": "canary-redis-0123456789",
    "signing secret": "canary-signing-0123456789",
    "webhook secret": "Y2FuYXJ5LXdlYmhvb2stMDEyMzQ1Njc4OTAxMjM0NTY3",
    "webhook header": "canary-header-0123456789",
    "mail password": "canary-mail-0123456789",
    "database password": "canary-database-0123456789",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that has a canary wherever a secret can be."""
    port = find_free_port()
    system = System(tmp_path_factory.mktemp("system"))
    system.http.headers["X-API-Key"] = API_KEY
    password = CANARIES["redis password"]
    with (
        EmbeddedValkey(tmp_path_factory.mktemp("valkey"), port) as valkey,
        redis.Redis(port=port) as client,
    ):
        client.config_set("requirepass", password)
        system.start(
            REDIS_URL=valkey.url.replace("//", f"//:{password}@"),
            CONTINUO_API_KEYS=f"ops:{API_KEY}",
            CONTINUO_SECRET_KEY=CANARIES["signing secret"],
            CONTINUO_WEBHOOK_SECRETS=f"whsec_{CANARIES['webhook secret']}",
            SMTP_URL=f"smtp://ada:{CANARIES['mail password']}@127.0.0.1:{find_free_port()}",
            DATABASE_URL=f"postgresql://ada:{CANARIES['database password']}@127.0.0.1:1/x",
        )
        yield system
        system.close()


EXPORT = {"source": "flights", "query": "routes", "format": "csv"}


def run_jobs(system: System) -> list[str]:
    """Order a job of each kind that knows a secret. Returns the tokens of the links they made."""
    wait_until(lambda: system.http.get("/queue/stats").json()["worker_count"], 30)
    header = {"X-Token": CANARIES["webhook header"]}
    call = {"url": "https://nowhere.invalid/", "headers": header, "max_retries": 1}
    failing = [
        ("/webhooks", system.order("/webhooks", call)["id"]),
        ("/emails", system.order("/emails", {"recipients": ["ada@example.com"]})["id"]),
    ]
    done = [
        system.wait_until_final(path, system.order(path, body)["id"])
        for path, body in (("/reports", {"type": "monthly"}), ("/exports", EXPORT))
    ]
    assert {record["status"] for record in done} == {"success"}, done
    for path, job_id in failing:
        wait_until(lambda p=path, j=job_id: system.record(p, j)["error"], 30)
    links = [urlsplit(record["result"]["download_url"]).path for record in done]
    assert [system.http.get(link, follow_redirects=True).status_code for link in links] == [200] * 2
    assert system.http.get(links[0] + "x").status_code == 403
    assert system.http.get("/tasks", headers={"X-API-Key": "wrong" + API_KEY}).status_code == 401
    return [link.rpartition("/")[2] for link in links]


def read_flower(system: System) -> str:
    """All pages of Flower that show jobs."""
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{system.ports['FLOWER_PORT']}", trust_env=False, timeout=10
    ) as flower:
        pages = [flower.get(path).text for path in ("/", "/tasks", "/broker")]
        order = "&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
        address = f"/tasks/datatable?draw=1&start=0&length=100&search[value]={order}"

        def show_export() -> str:
            """The table once it shows a job: Flower asks for events some time after its start."""
            system.wait_until_final("/exports", system.order("/exports", EXPORT)["id"])
            text: str = flower.get(address).text
            return text if "SUCCESS" in text else ""

        return "\n".join([*pages, wait_until(show_export, 30)])


def test_no_secret_and_no_signed_link_is_in_what_a_run_writes(system: System) -> None:
    tokens = run_jobs(system)
    assert system.program
    records = str(system.http.get("/tasks").json())
    errors = [record["error"] for record in system.http.get("/tasks").json()["tasks"]]
    written = {
        "log": system.program.output,
        "flower": read_flower(system),
        "events": system.http.get("/events").text,
        "errors": str(errors),
        "records": records,
        **{
            str(path): path.read_text(errors="replace")
            for path in Path(system.folder).rglob("*")
            if path.is_file() and path.stat().st_size < 1 << 20 and "artifacts" not in path.parts
        },
    }
    with_links = {"records", "events"}  # results are for those who may read them

    found = [
        f"{name} in {place}"
        for place, text in written.items()
        for name, secret in CANARIES.items()
        if secret in text
    ]
    found += [
        f"link in {place}"
        for place, text in written.items()
        for token in tokens
        if token in text and place not in with_links
    ]

    assert found == []
