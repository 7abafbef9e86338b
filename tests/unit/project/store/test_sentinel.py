"""URLs of Sentinels."""

import pytest

from project.settings.sentinel_url import SentinelUrl, parse_sentinel_url
from project.settings.values import Settings
from project.store import sentinel


def test_a_url_has_sentinels_primary_and_database() -> None:
    url = "redis+sentinel://me:pass%40word@one:26380,two/Jobs/3?replicas=2"
    assert parse_sentinel_url(url) == SentinelUrl(
        (("one", 26380), ("two", 26379)), "Jobs", "redis://me:pass%40word@primary/3", 2
    )


def test_by_default_one_replica_must_confirm_a_change() -> None:
    watched = parse_sentinel_url("redis+sentinel://one/jobs")
    assert watched == SentinelUrl((("one", 26379),), "jobs", "redis://primary/0", 1)


@pytest.mark.parametrize("url", ["redis://one:6379/0", "rediss://one/0", "unix:///run/redis.sock"])
def test_another_url_is_connected_to_directly(url: str) -> None:
    assert sentinel.redis_options(url) == sentinel.async_redis_options(url) == {"url": url}


@pytest.mark.parametrize(
    "rest",
    ["", "one", "one/", "/jobs", "one/jobs/x", "one:x/jobs", "one/jobs?replicas=-1", "one/j?x=1"],
)
def test_an_invalid_url_is_refused_at_the_start(rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis+sentinel://{rest}")
    with pytest.raises(ValueError, match="redis_url"):
        Settings()
