"""The rate limit of an API key."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.support.programs.system import System

KEYS = {"alice": "0123456789abcdef-a", "bob": "0123456789abcdef-b"}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of two API processes with a low rate limit."""
    system = System(tmp_path_factory.mktemp("limits"))
    system.http.headers["X-API-Key"] = KEYS["alice"]
    system.start(
        CONTINUO_RATE_LIMIT="300",
        CONTINUO_API_KEYS=",".join(f"{name}:{key}" for name, key in KEYS.items()),
        WEB_CONCURRENCY="2",
    )
    yield system
    system.close()


def test_the_rate_limit_of_a_key_covers_all_processes(own_system: System) -> None:
    def ask(key: str) -> int:
        return own_system.http.get("/tasks", headers={"X-API-Key": key}).status_code

    with ThreadPoolExecutor(16) as clients:
        answers = Counter(clients.map(lambda _: ask(KEYS["alice"]), range(600)))

    assert set(answers) == {200, 429}
    assert 250 <= answers[200] <= 500  # a burst of 300, and five more per second
    assert ask(KEYS["bob"]) == 200


def test_an_answer_has_the_remaining_requests_and_the_reset_time(own_system: System) -> None:
    with redis.Redis.from_url(own_system.redis_url) as client:
        client.delete("continuo:rate:bob")
    fine = own_system.http.get("/queue/stats", headers={"X-API-Key": KEYS["bob"]})
    assert fine.headers["ratelimit"].startswith('"default";r=299;t=')
    assert fine.headers["ratelimit-policy"] == '"default";q=300;w=60'

    with redis.Redis.from_url(own_system.redis_url) as client:
        now = client.time()[0]
        client.set("continuo:rate:bob", now + 70)
    refused = own_system.http.get("/queue/stats", headers={"X-API-Key": KEYS["bob"]})
    assert refused.status_code == 429
    assert 9 <= int(refused.headers["retry-after"]) <= 12
    assert refused.json()["detail"] == "More than 300 requests in 60 s"


WAYS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/tasks", {}),
    ("HEAD", "/tasks", {}),
    ("GET", "/tasks?limit=1&x=2", {}),
    ("GET", "/tasks/nobody", {}),
    ("POST", "/reports", {"Content-Type": "text/plain"}),
    ("DELETE", "/tasks/nobody", {}),
    ("GET", "/tasks", {"X-API-Key": "", "Authorization": f"Bearer {KEYS['bob']}"}),
    ("GET", "/tasks", {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"}),
    ("GET", "/tasks", {"X-HTTP-Method-Override": "OPTIONS", "X-Original-URL": "/health/live"}),
    ("GET", "/tasks", {"X-Request-ID": "other", "X-Tenant": "other"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), WAYS)
def test_no_way_of_asking_gets_around_the_limit(
    own_system: System, method: str, path: str, headers: dict[str, str]
) -> None:
    with redis.Redis.from_url(own_system.redis_url) as client:
        client.set("continuo:rate:bob", client.time()[0] + 70)

    answer = own_system.http.request(method, path, headers={"X-API-Key": KEYS["bob"]} | headers)

    assert answer.status_code == 429, answer.text


def test_routes_without_a_key_have_no_rate_limit(own_system: System) -> None:
    answer = own_system.http.get("/health/live")
    assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)
