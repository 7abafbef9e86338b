"""Tries the services that the platform itself needs: Redis, clock, broker, files and disk."""

import secrets
import shutil
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from project.artifacts.links import open_storage, open_workshop
from project.artifacts.storage import Bucket
from project.celery import app
from project.errors import StoreUnavailable
from project.services import ServiceFault
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import queues
from project.store.connection import MISSING_PASSWORD, CommandFailed, explain_login

MIN_REDIS_VERSION = (6, 2)
MAX_SKEW_SECONDS = 1.0
MIN_FREE_BYTES = 1 << 30
CONNECT_SECONDS = 5.0

WRONG_PASSWORD = ("WRONGPASS", "invalid username-password", "invalid password")

USED_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("HSET", "a", "1"),
    ("ZADD", "1", "a"),
    ("LPUSH", "a"),
    ("XADD", "*", "a", "1"),
    ("SADD", "a"),
    ("SET", "a"),
)
"""A command for each type of key, which is tried on a key of its own."""


def check_redis() -> str:
    """Log in, and look at version, persistence, eviction and rights."""
    client = Store(get_settings().store_url).client
    try:
        info: dict[str, Any] = dict(client.info())
        faults = [*find_redis_faults(info), *find_missing_rights(client)]
    except CommandFailed as error:
        raise ServiceFault(f"{describe_redis()}: {explain_redis(error)}") from None
    finally:
        client.close()
    if faults:
        raise ServiceFault(f"{describe_redis()}: {'; '.join(faults)}")
    product = info.get("server_name", "redis")
    version = info.get(f"{product}_version") or info["redis_version"]
    return f"{product} {version} at {describe_redis()}, durable, nothing is evicted"


def find_redis_faults(info: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the configuration of a server, by its INFO."""
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < MIN_REDIS_VERSION:
        yield f"version {info['redis_version']} is too old: use Redis 6.2 or newer, or Valkey"
    if info.get("cluster_enabled"):
        yield "Redis Cluster is not supported: use one primary, with Sentinels"
    if info.get("role") != "master":
        yield "this is a replica, which cannot be written to"
    if not info.get("aof_enabled"):
        yield "a restart loses jobs: set appendonly yes"
    if info.get("maxmemory_policy") != "noeviction":
        yield f"maxmemory-policy {info.get('maxmemory_policy')} drops jobs: set noeviction"


def find_missing_rights(client: Any) -> Iterator[str]:
    """The commands that the ACL refuses; each is tried in a script, as all our commands are."""
    script = "redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2)) redis.call('DEL', KEYS[1]) return 1"
    for name, *arguments in USED_COMMANDS:
        key = f"continuo:check:{secrets.token_hex(8)}"
        try:
            client.eval(script, 1, key, name, *arguments)
        except CommandFailed as error:
            yield f"{name} on keys continuo:* is refused: {explain_redis(error)}"
            return


def explain_redis(error: Exception) -> str:
    """Say why Redis did not do something: a wrong password is not "cannot be reached"."""
    text = str(error)
    is_login = any(word in text for word in (*MISSING_PASSWORD, *WRONG_PASSWORD))
    return f"it {explain_login(text)}" if is_login else text


def describe_redis() -> str:
    """The address of the server, without its login."""
    parts = urlsplit(get_settings().store_url)
    return parts.netloc.rpartition("@")[2] or parts.path


def check_clock() -> str:
    """Compare the clock of this machine with that of Redis."""
    client = Store(get_settings().store_url).client
    try:
        before = time.time()
        seconds, micros = client.time()
        after = time.time()
    except CommandFailed:
        return ""  # the check of Redis has said why
    finally:
        client.close()
    there = seconds + micros / 1e6
    skew = max(before - there, there - after, 0.0)
    if skew > MAX_SKEW_SECONDS:
        raise ServiceFault(
            f"this machine and Redis differ by {skew:.1f} s: synchronise their clocks (NTP)"
        )
    return f"within {MAX_SKEW_SECONDS:g} s of that of Redis"


def check_broker() -> str:
    """Log in to RabbitMQ, if it is used."""
    if not get_settings().broker_url:
        return ""
    place = urlsplit(get_settings().broker_url).netloc.rpartition("@")[2]
    try:
        with app.connection_for_write(connect_timeout=CONNECT_SECONDS) as connection:
            connection.connect()
    except Exception as error:  # noqa: BLE001 - of any of the layers below
        raise ServiceFault(f"RabbitMQ at {place}: {error or type(error).__name__}") from None
    return f"RabbitMQ at {place}"


def check_queues() -> str:
    """Find queues with waiting jobs from which no worker takes."""
    store = Store(get_settings().store_url)
    try:
        found = store.run(queues.list_queues())
    except StoreUnavailable:
        return ""  # the check of Redis has said why
    finally:
        store.close()
    left = [queue.name for queue in found if queue.waiting and not queue.workers]
    if left:
        raise ServiceFault(
            f"jobs wait in {', '.join(left)}, and no worker takes from there: start one, "
            "without -Q for all queues"
        )
    return f"{len(found)} known; a worker takes from each in which jobs wait"


def check_files() -> str:
    """Write a file where jobs write theirs, read it, and remove it."""
    storage, key = open_storage(), f"check-{secrets.token_hex(8)}/file.txt"
    with open_workshop() as folder:
        file = folder / "file.txt"
        file.write_text(key)
        storage.keep(file, key, {"Content-Type": "text/plain"})
        if storage.read(key, 1_000).decode() != key:
            raise ServiceFault("a file that was written reads differently")
    storage.remove(key.partition("/")[0])
    if isinstance(storage, Bucket):
        return f"{storage.url} can be written and read"
    return f"{storage.root} can be written and read"


def check_disk() -> str:
    """Whether DATA_DIR has space left."""
    folder = get_settings().data_dir
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise ServiceFault(
            f"{folder} has {free / 1e9:.2f} GB left: it needs {MIN_FREE_BYTES / 1e9:.1f} GB"
        )
    return f"{free / 1e9:.0f} GB free in {folder}"
