"""Workers on machines of their own: network namespaces, each with a cable to a switch.

Needs root and ``ip`` (iproute2). The server and the judge are on the machine with the switch.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.chaos.cluster import Cluster, Member

IP = "/sbin/ip"
SWITCH = "continuo0"
NET = "10.213.7"
HERE = f"{NET}.1"


def can_be_built() -> bool:
    """Whether this user may make hosts here."""
    return os.geteuid() == 0 and Path(IP).exists()


class Host:
    """A machine with one worker on it."""

    def __init__(self, number: int) -> None:
        self.name = f"continuo-h{number}"
        self.cable = f"ctno-h{number}"
        self.address = f"{NET}.{number + 1}"

    @property
    def prefix(self) -> list[str]:
        """What a command starts with to run there."""
        return [IP, "netns", "exec", self.name]

    def build(self) -> None:
        """Put it up and connect it."""
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.cable, "master", SWITCH, "up")
        ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "link", "set", "eth0", "up")

    def cut(self) -> None:
        """Pull the cable: nothing arrives, and nobody is told."""
        ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Plug it in again."""
        ip("link", "set", self.cable, "up")


class Hosts:
    """A host for each worker of a cluster."""

    def __init__(self, members: list[Member]) -> None:
        self.of = {member.name: Host(number + 1) for number, member in enumerate(members)}

    def cut(self, member: Member) -> None:
        """Pull the cable of a worker's host."""
        self.of[member.name].cut()

    def join(self, member: Member) -> None:
        """Plug it in again."""
        self.of[member.name].join()


@contextmanager
def on_hosts(cluster: Cluster) -> Iterator[Hosts]:
    """Each worker of the cluster on a host of its own."""
    hosts = Hosts(cluster.members)
    remove(hosts)
    ip("link", "add", SWITCH, "type", "bridge")
    ip("addr", "add", f"{HERE}/24", "dev", SWITCH)
    ip("link", "set", SWITCH, "up")
    with redis.Redis.from_url(cluster.valkey.url) as server:
        server.config_set("bind", f"127.0.0.1 {HERE}")
        server.config_set("protected-mode", "no")
    try:
        for member in cluster.members:
            host = hosts.of[member.name]
            host.build()
            member.prefix = host.prefix
        cluster.address = f"redis://{HERE}:{cluster.valkey.port}/0"
        yield hosts
    finally:
        cluster.end_members()
        remove(hosts)


def remove(hosts: Hosts) -> None:
    """Take everything away, also what an earlier run has left."""
    for host in hosts.of.values():
        ip("netns", "del", host.name, check=False)
        ip("link", "del", host.cable, check=False)
    ip("link", "del", SWITCH, check=False)


def ip(*arguments: str, check: bool = True) -> None:
    """Run ``ip``. Raises ``subprocess.CalledProcessError``."""
    subprocess.run([IP, *arguments], check=check, capture_output=True, timeout=10)
