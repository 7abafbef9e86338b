import asyncio

import pytest
from cello import Request as RawRequest

from api.http.cors import Cors
from api.http.problems import Problem
from api.http.routing import Request
from api.http.site import Site, parse_host

PAGE = "https://pages.example.com"
PUBLIC = "https://jobs.example.com"


def build_request(method: str = "POST", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = RawRequest(method, "/queues/celery/pause", headers=named)
    return Request("r", raw.method, raw.path, {}, raw.get_header, asyncio.Event())


def catch_status(site: Site, **headers: str) -> int:
    """The status of the refusal, 0 when the request is accepted."""
    request = build_request(**{"Host": "127.0.0.1:8000"} | headers)
    try:
        site.require_host(request)
        site.require_own_page(request)
    except Problem as problem:
        return problem.status
    return 0


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8000", "127.1.2.3", "localhost", "LocalHost:1", "[::1]:8000", "api.localhost",
     "jobs.example.com", "jobs.example.com:443", "api", "localhost."],
)  # fmt: skip
def test_the_hosts_of_this_machine_of_the_public_url_and_of_the_setting_are_ours(host: str) -> None:
    assert catch_status(Site(["api"], Cors(), PUBLIC), Host=host) == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil-localhost", "10.0.0.1", "192.0.2.7:8000",
     "[2001:db8::1]", "127.0.0.1.evil.example", "api.evil.example"],
)  # fmt: skip
def test_any_other_host_is_421(host: str) -> None:
    assert catch_status(Site(["api"], Cors(), PUBLIC), Host=host) == 421


@pytest.mark.parametrize(
    "host", ["", "localhost, evil.example", "localhost evil", "a@b", "localhost:x", "[::1", "é"]
)
def test_a_missing_second_or_malformed_host_is_400(host: str) -> None:
    assert catch_status(Site([], Cors()), Host=host) == 400


def test_a_star_allows_every_host_but_no_malformed_one() -> None:
    assert catch_status(Site(["*"], Cors()), Host="evil.example") == 0
    assert catch_status(Site(["*"], Cors()), Host="a b") == 400


def test_the_refusal_of_a_host_names_the_setting() -> None:
    with pytest.raises(Problem, match="CONTINUO_HOSTS"):
        Site([], Cors()).require_host(build_request(Host="evil.example"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://127.0.0.1:8000", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "null", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": PUBLIC, "Sec_Fetch_Site": "same-origin"},
        {"Origin": PAGE, "Sec_Fetch_Site": "cross-site"},
        {"Origin": PAGE},
    ],
)
def test_our_pages_allowed_pages_and_programs_may_change_something(headers: dict[str, str]) -> None:
    assert catch_status(Site([], Cors([PAGE]), PUBLIC), **headers) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "null"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://127.0.0.1:3000", "Sec_Fetch_Site": "same-site"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "127.0.0.1:8000"},
    ],
)
def test_a_foreign_page_may_change_nothing(headers: dict[str, str]) -> None:
    assert catch_status(Site([], Cors([PAGE]), PUBLIC), **headers) == 403


def test_cors_for_all_pages_stays_for_all_pages() -> None:
    foreign = {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"}
    assert catch_status(Site([], Cors(["*"])), **foreign) == 0


def test_the_name_of_a_host_is_without_port_dot_and_capitals() -> None:
    assert parse_host("Jobs.Example.COM.:8000") == "jobs.example.com"
    assert parse_host("[::1]:80") == "::1"
