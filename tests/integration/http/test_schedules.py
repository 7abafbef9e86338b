"""Schedules over HTTP: written, read, changed, run, and refused with what is wrong."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
import redis

from project.local.valkey import EmbeddedValkey
from project.records.schedule import Plan
from project.store.client import Store
from project.store.commands import schedules as schedule_commands
from tests.support.event_listeners import api_on
from tests.support.programs.api_process import ApiProcess

KEYS = {"all": "0123456789abcdef", "acme": "acme-0123456789a", "rival": "rival-0123456789"}
SUMMARY = {"kind": "report", "type": "summary"}
NIGHTLY = {"order": SUMMARY, "cron": "30 3 * * *", "zone": "Europe/Berlin"}
MONTHLY = {
    "order": {
        "kind": "report",
        "type": "monthly",
        "filters": {"department": "engineering", "month": "{{ month before due }}"},
        "format": ["pdf", "xlsx"],
        "mail": {"to": ["ada@example.com"], "skip_empty": True},
        "tags": ["monthly"],
    },
    "cron": "0 7 1 * *",
    "zone": "Europe/Berlin",
    "overlap": "skip",
}


@pytest.fixture(scope="module")
def server(valkey: EmbeddedValkey) -> Iterator[ApiProcess]:
    keys = f"all:{KEYS['all']},acme@acme:{KEYS['acme']},rival@rival:{KEYS['rival']}"
    environment = {"CONTINUO_API_KEYS": keys, "CONTINUO_MAX_SCHEDULES": "2"}
    with api_on(valkey, **environment) as process:
        yield process


@pytest.fixture
def client(server: ApiProcess, valkey: EmbeddedValkey) -> Iterator[httpx2.Client]:
    with redis.Redis.from_url(valkey.url) as store:
        store.flushall()
    with server.client(headers={"X-API-Key": KEYS["all"]}) as client:
        yield client


def put(client: httpx2.Client, name: str = "nightly", **changes: Any) -> httpx2.Response:
    return client.put(f"/schedules/{name}", json=NIGHTLY | changes)


def as_tenant(name: str) -> dict[str, str]:
    return {"X-API-Key": KEYS[name]}


def test_a_schedule_is_created_shown_and_listed(client: httpx2.Client) -> None:
    created = client.put("/schedules/monthly", json=MONTHLY)
    put(client)

    shown = client.get("/schedules/monthly").json()
    listed = client.get("/schedules", params={"limit": 1}).json()

    assert (created.status_code, created.headers["location"]) == (201, "/schedules/monthly")
    assert {name: shown[name] for name in MONTHLY} == MONTHLY
    assert shown["words"] == "At 07:00 on the first day of every month"
    assert (shown["source"], shown["paused"], shown["last"], shown["late"]) == (
        "api",
        None,
        None,
        0,
    )
    assert shown["next"] > 1_700_000_000
    assert (listed["total"], listed["next_offset"]) == (2, 1)
    assert listed["schedules"][0]["name"] == "nightly"


def test_a_name_may_have_any_letters_and_no_slash(client: httpx2.Client) -> None:
    created = client.put("/schedules/n%C3%A4chtlich%20%26%20mehr", json=NIGHTLY)

    assert created.headers["location"] == "/schedules/n%C3%A4chtlich%20%26%20mehr"
    assert client.get(created.headers["location"]).json()["name"] == "nächtlich & mehr"
    for name in ("a%2Fb%2Fc", "%0A", "x" * 101):
        assert client.get(f"/schedules/{name}").status_code == 404
        assert client.put(f"/schedules/{name}", json=NIGHTLY).status_code == 422


def test_the_same_plan_again_changes_nothing(client: httpx2.Client) -> None:
    first, second = put(client), put(client)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["etag"].split(".")[0] == second.headers["etag"].split(".")[0]


def test_a_change_with_an_old_etag_is_refused(client: httpx2.Client) -> None:
    old = put(client).headers["etag"]
    new = put(client, jitter=10).headers["etag"]

    for method in ("PUT", "PATCH", "DELETE"):
        body = {} if method == "DELETE" else {"json": NIGHTLY if method == "PUT" else {"jitter": 5}}
        answer = client.request(method, "/schedules/nightly", headers={"If-Match": old}, **body)
        assert answer.status_code == 412, method

    fine = client.patch("/schedules/nightly", headers={"If-Match": new}, json={"jitter": 20})
    assert (fine.status_code, fine.json()["jitter"]) == (200, 20)
    missing = client.put("/schedules/other", headers={"If-Match": "*"}, json=NIGHTLY)
    assert missing.status_code == 412


def test_the_etag_of_a_read_fits_if_match_also_when_the_schedule_has_moved_on(
    client: httpx2.Client,
) -> None:
    put(client)
    tag = client.get("/schedules/nightly").headers["etag"]
    client.post("/schedules/nightly/pause")

    answer = client.patch("/schedules/nightly", headers={"If-Match": tag}, json={"jitter": 5})

    assert answer.status_code == 200
    assert client.get("/schedules/nightly", headers={"If-None-Match": tag}).status_code == 200


def test_a_patch_changes_and_removes_fields_of_the_order(client: httpx2.Client) -> None:
    client.put("/schedules/monthly", json=MONTHLY)
    patch = {"order": {"mail": None, "filters": {"department": "sales"}}, "overlap": None}

    answer = client.patch("/schedules/monthly", json=patch).json()

    assert "mail" not in answer["order"]
    assert answer["order"]["filters"] == {"department": "sales", "month": "{{ month before due }}"}
    assert answer["overlap"] == "allow"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cron": "61 * * * *"}, "minute '61' does not work: allowed are 0 to 59"),
        ({"cron": "0 0 30 2 *"}, "day-of-month '30' does not work"),
        ({"zone": "Mars/Olympus"}, "is not a name of the IANA list"),
        ({"every": 60}, "one of cron, every, at is needed, not cron and every"),
        ({"order": {"kind": "nonsense"}}, "order.kind: must be one of"),
        ({"order": SUMMARY | {"type": "nonsense"}}, "order.type"),
        ({"order": SUMMARY | {"filters": {"x": 1}}}, "order.filters.x: is not a filter"),
        ({"order": SUMMARY | {"formats": "pdf"}}, "Unknown field formats"),
        ({"order": SUMMARY | {"delay": 5}}, "order.delay: is not for a schedule"),
        ({"order": SUMMARY | {"unique": {"key": "x"}}}, "order.unique: is not for a schedule"),
        ({"order": SUMMARY | {"tags": ["{{ moon of due }}"]}}, "{{ moon of due }}"),
        ({"overlap": "maybe"}, "allow, skip, one_waiting, cancel_running"),
        ({"catch_up": "all", "overlap": "skip"}, "needs overlap: allow"),
        ({"start": 20, "end": 10}, "end: is before start"),
    ],
    ids=[
        *("minute", "february", "zone", "two", "kind", "type", "filter", "field", "delay"),
        *("unique", "placeholder", "overlap", "catch_up", "end"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_with_words(
    client: httpx2.Client, changes: dict[str, Any], problem: str
) -> None:
    answer = put(client, **changes)

    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert client.get("/schedules/nightly").status_code == 404


def test_times_are_shown_in_the_zone_and_in_utc(client: httpx2.Client) -> None:
    put(client, start=1_806_184_800)  # 2027-03-27, 22:00 UTC; the clock goes forward on 28 March

    times = client.get("/schedules/nightly/times", params={"n": 2}).json()["times"]

    assert times[0]["local"] == "2027-03-28T03:30:00+02:00"
    assert times[0]["utc"] == "2027-03-28T01:30:00Z"
    assert len(times) == 2


def test_a_preview_shows_the_times_of_what_is_not_written(client: httpx2.Client) -> None:
    answer = client.post("/schedules/preview?n=3", json={"cron": "0 0 29 2 *"}).json()

    assert [each["utc"][:10] for each in answer["times"]] == [
        "2028-02-29",
        "2032-02-29",
        "2036-02-29",
    ]
    assert answer["words"] == "At 00:00 on February 29"
    assert client.get("/schedules").json()["total"] == 0


def test_the_calendar_counts_the_jobs_of_each_hour(client: httpx2.Client) -> None:
    put(client, cron="*/20 * * * *")
    put(client, "daily", cron="0 12 * * *", zone="UTC")
    put(client, "paused", cron="* * * * *")
    client.post("/schedules/paused/pause")

    calendar = client.get("/schedules/calendar").json()

    hours = calendar["hours"]
    assert (len(hours), calendar["complete"]) == (24, True)
    assert {hour["jobs"] for hour in hours[1:]} == {3, 4}
    assert [hour["at"] % 86_400 for hour in hours if "daily" in hour["schedules"]] in ([43_200], [])
    assert not [hour for hour in hours if "paused" in hour["schedules"]]


def test_run_makes_a_job_and_the_history_tells_its_outcome(client: httpx2.Client) -> None:
    client.put("/schedules/monthly", json=MONTHLY)

    run = client.post("/schedules/monthly/run")
    again = client.post("/schedules/monthly/run")

    job = run.json()["id"]
    assert (run.status_code, run.json()["tags"]) == (202, ["monthly"])
    assert (again.status_code, again.json()["task_id"]) == (409, job)
    (entry,) = client.get("/schedules/monthly/history").json()["history"]
    assert (entry["what"], entry["job"], entry["status"]) == ("run", job, "pending")


def test_a_backfill_counts_first_and_makes_each_job_once(client: httpx2.Client) -> None:
    put(client)
    span = {"from": 1_767_225_600, "to": 1_767_225_600 + 5 * 86_400}  # 2026-01-01

    dry = client.post("/schedules/nightly/backfill", json=span | {"dry_run": True}).json()
    made = client.post("/schedules/nightly/backfill", json=span).json()
    again = client.post("/schedules/nightly/backfill", json=span).json()

    assert [each["count"] for each in (dry, made, again)] == [5, 5, 5]
    assert [each["made"] for each in (dry, made, again)] == [0, 5, 0]
    assert dry["first"] == 1_767_225_600 + 2 * 3_600 + 1_800
    assert client.get("/tasks").json()["total"] == 5


def test_a_backfill_that_cannot_be_is_refused(client: httpx2.Client) -> None:
    put(client, overlap="skip")
    put(client, "often", cron="* * * * *")
    past, day = 1_767_225_600, 86_400

    overlapping = client.post(
        "/schedules/nightly/backfill", json={"from": past, "to": past + 3 * day}
    )
    many = client.post("/schedules/often/backfill", json={"from": past, "to": past + day})
    future = client.post("/schedules/often/backfill", json={"from": past, "to": 4_000_000_000})

    assert [each.status_code for each in (overlapping, many, future)] == [409, 422, 422]


def test_a_paused_schedule_has_no_next_time_until_it_is_resumed(client: httpx2.Client) -> None:
    put(client)

    paused = client.post("/schedules/nightly/pause").json()
    resumed = client.post("/schedules/nightly/resume").json()

    assert (paused["paused"], paused["next"]) == ("by hand", None)
    assert (resumed["paused"], resumed["next"] > 0) == (None, True)


def test_a_deleted_schedule_is_gone_and_its_jobs_stay(client: httpx2.Client) -> None:
    put(client)
    client.post("/schedules/nightly/run")

    assert client.delete("/schedules/nightly").status_code == 204

    assert client.get("/schedules/nightly").status_code == 404
    assert client.delete("/schedules/nightly").status_code == 404
    assert client.get("/tasks").json()["total"] == 1


def test_tenants_have_names_of_their_own_and_see_nothing_of_others(client: httpx2.Client) -> None:
    put(client)
    for tenant in ("acme", "rival"):
        answer = client.put("/schedules/nightly", json=NIGHTLY, headers=as_tenant(tenant))
        assert answer.status_code == 201

    job = client.post("/schedules/nightly/run", headers=as_tenant("acme")).json()
    seen = client.get("/schedules", headers=as_tenant("acme")).json()
    foreign = client.get("/schedules/rival%2Fnightly", headers=as_tenant("acme"))
    by_admin = client.get("/schedules/acme%2Fnightly").json()

    assert (seen["total"], "tenant" in seen["schedules"][0]) == (1, False)
    assert client.get(f"/tasks/{job['id']}", headers=as_tenant("rival")).status_code == 404
    assert foreign.status_code == 404
    assert (by_admin["name"], by_admin["tenant"]) == ("nightly", "acme")
    assert client.get("/schedules").json()["total"] == 3


def test_a_tenant_has_at_most_as_many_as_are_allowed(client: httpx2.Client) -> None:
    answers = [
        client.put(f"/schedules/{name}", json=NIGHTLY, headers=as_tenant("acme")) for name in "abc"
    ]

    assert [each.status_code for each in answers] == [201, 201, 409]
    assert answers[2].json()["detail"] == "There are 2 schedules, and no more are allowed"


def test_what_stands_in_the_code_is_deleted_only_when_nobody_knows_its_kind(
    client: httpx2.Client, valkey: EmbeddedValkey
) -> None:
    store = Store(valkey.url)
    for name, kind in (("kept", "report"), ("stray", "gone")):
        plan = Plan(kind=kind, cron="0 7 * * *", source="code")
        store.run(schedule_commands.put(name, plan, due=4_000_000_000, fire_at=4e9))
    store.close()

    changed = client.put("/schedules/kept", json=NIGHTLY)
    deleted = [client.delete(f"/schedules/{name}").status_code for name in ("kept", "stray")]

    assert (changed.status_code, deleted) == (409, [409, 204])
    assert "declared in the code" in changed.json()["detail"]
    assert client.post("/schedules/kept/pause").status_code == 200


def test_writers_at_the_same_time_all_get_an_answer_and_one_plan_remains(
    client: httpx2.Client, server: ApiProcess
) -> None:
    def write(jitter: int) -> int:
        with server.client(headers={"X-API-Key": KEYS["all"]}) as other:
            return put(other, jitter=jitter).json()["jitter"] == jitter and jitter

    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(write, range(1, 7)))

    assert client.get("/schedules/nightly").json()["jitter"] in written
