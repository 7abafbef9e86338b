"""Hosts for workers: network namespaces, each connected to a bridge by a virtual cable.

Needs root and ``ip`` (iproute2). The server and the judge run on the host with the bridge.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.chaos.stage.cluster import Cluster, ClusterMember

IP = "/sbin/ip"
SWITCH_NAME = "continuo0"
NETWORK_PREFIX = "10.213.7"
SWITCH_ADDRESS = f"{NETWORK_PREFIX}.1"


def can_build_hosts() -> bool:
    """Whether this user can create network namespaces here."""
    return os.geteuid() == 0 and Path(IP).exists()


class NetworkHost:
    """A network namespace for one worker."""

    def __init__(self, number: int) -> None:
        self.name = f"continuo-h{number}"
        self.cable = f"ctno-h{number}"
        self.address = f"{NETWORK_PREFIX}.{number + 1}"

    @property
    def prefix(self) -> list[str]:
        """The command prefix that runs a program on the host."""
        return [IP, "netns", "exec", self.name]

    def build(self) -> None:
        """Create the host and connect it."""
        run_ip("netns", "add", self.name)
        run_ip(
            "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name
        )
        run_ip("link", "set", self.cable, "master", SWITCH_NAME, "up")
        run_ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run_ip("-n", self.name, "link", "set", "lo", "up")
        run_ip("-n", self.name, "link", "set", "eth0", "up")

    def cut(self) -> None:
        """Cut the connection: packets are lost and connections are not closed."""
        run_ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Restore the connection."""
        run_ip("link", "set", self.cable, "up")


class NetworkHosts:
    """A host for each worker of a cluster."""

    def __init__(self, members: list[ClusterMember]) -> None:
        self.of = {member.name: NetworkHost(number + 1) for number, member in enumerate(members)}

    def cut(self, member: ClusterMember) -> None:
        """Cut the connection of a worker's host."""
        self.of[member.name].cut()

    def join(self, member: ClusterMember) -> None:
        """Restore the connection of a worker's host."""
        self.of[member.name].join()


@contextmanager
def place_on_hosts(cluster: Cluster) -> Iterator[NetworkHosts]:
    """Put each worker of the cluster on a host of its own."""
    hosts = NetworkHosts(cluster.members)
    remove_hosts(hosts)
    run_ip("link", "add", SWITCH_NAME, "type", "bridge")
    run_ip("addr", "add", f"{SWITCH_ADDRESS}/24", "dev", SWITCH_NAME)
    run_ip("link", "set", SWITCH_NAME, "up")
    with redis.Redis.from_url(cluster.valkey.url) as server:
        server.config_set("bind", f"127.0.0.1 {SWITCH_ADDRESS}")
        server.config_set("protected-mode", "no")
    try:
        for member in cluster.members:
            host = hosts.of[member.name]
            host.build()
            member.prefix = host.prefix
        cluster.address = f"redis://{SWITCH_ADDRESS}:{cluster.valkey.port}/0"
        yield hosts
    finally:
        cluster.kill_members()
        remove_hosts(hosts)


def remove_hosts(hosts: NetworkHosts) -> None:
    """Delete the hosts and the bridge, including leftovers of an earlier run."""
    for host in hosts.of.values():
        run_ip("netns", "del", host.name, check=False)
        run_ip("link", "del", host.cable, check=False)
    run_ip("link", "del", SWITCH_NAME, check=False)


def run_ip(*arguments: str, check: bool = True) -> None:
    """Run ``ip`` with these arguments. Raises ``subprocess.CalledProcessError``."""
    subprocess.run([IP, *arguments], check=check, capture_output=True, timeout=10)
