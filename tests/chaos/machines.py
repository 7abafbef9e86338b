"""Rows with more than one machine: a host dies or is cut off, a server is replaced."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos import hosts
from tests.chaos.cluster import Cluster
from tests.chaos.figures import Figures
from tests.chaos.outages import ENDLESS, job_on
from tests.chaos.scale import Scale
from tests.chaos.scene import Stage
from tests.support.rabbitmq import RabbitMQ
from tests.support.sentinels import CAREFUL, Sentinels


def host_kill(stage: Stage, scale: Scale) -> Figures:
    """Hosts lose power, one after the other, and come back later: nobody is told."""
    with stage("host-kill", scale, place=hosts.on_hosts) as scene:
        net: hosts.Hosts = scene.place
        load = scene.keep_sending(ENDLESS, scale.rate)
        for number in range(scale.hosts_killed):
            member = scene.cluster.members[number % len(scene.cluster.members)]
            scene.cluster.rest(scale.between)
            net.cut(member)
            scene.cluster.kill_main(member)
            scene.cluster.rest(scale.host_away)
            net.join(member)
        scene.note_return(time.time())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def host_cut(stage: Stage, scale: Scale) -> Figures:
    """One host is cut off in the middle of a long job; it comes back and must not finish it."""
    with stage("host-cut", scale, place=hosts.on_hosts) as scene:
        net: hosts.Hosts = scene.place
        first = scene.cluster.members[0]
        load = scene.keep_sending(ENDLESS, scale.rate)
        long_jobs = job_on(scene, f"{first.name}@chaos")
        net.cut(first)
        cut_at = time.time()
        scene.cluster.rest(scale.link_cut)
        scene.cluster.killed += len(first.children())  # by the worker itself, for being late
        net.join(first)
        scene.note_return(time.time())
        load.stop()
        scene.settle(scale.patience)
        scene.recoveries += [
            run.began_at - cut_at for job in long_jobs for run in scene.account().by_job[job][1:2]
        ]
        return scene.figures()


def failover(stage: Stage, scale: Scale) -> Figures:
    """The primary dies, Sentinels put a replica in its place; the dead one comes back as one."""
    with stage("failover", scale, valkey_options=CAREFUL, place=watched) as scene:
        watch: Sentinels = scene.place
        load = scene.keep_sending(ENDLESS, scale.rate)
        for _ in range(scale.failovers):
            scene.cluster.rest(scale.between)
            dead = watch.kill_primary()
            scene.cluster.killed += 1
            scene.expect(lambda dead=dead: watch.is_first(dead), 30, "no other primary")
            scene.note_return(time.time())
            scene.cluster.rest(scale.between)
            dead.look_after()
            scene.expect(watch.is_whole, 60, "the one that came back is no replica")
            scene.cluster.valkey = watch.first()
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def rabbit(stage: Stage, scale: Scale) -> Figures:
    """Messages by RabbitMQ: workers are killed, and the broker itself, in turn."""
    with stage("rabbitmq", scale, place=by_rabbitmq) as scene:
        broker: RabbitMQ = scene.place
        load = scene.keep_sending(ENDLESS, scale.rate / 2)
        for number in range(scale.rabbit_faults):
            scene.cluster.rest(scale.between)
            if number % 2:
                broker.kill()
                scene.cluster.killed += 1
                broker.start()
                scene.note_return(time.time())
            else:
                scene.cluster.kill_main(scene.cluster.members[number % scale.workers])
        scene.cluster.rest(scale.between)
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


@contextmanager
def watched(cluster: Cluster) -> Iterator[Sentinels]:
    """A cluster whose server has replicas and Sentinels."""
    sentinels = Sentinels(cluster.valkey, cluster.folder)
    sentinels.start()
    cluster.address = sentinels.url
    try:
        yield sentinels
    finally:
        cluster.end_members()
        sentinels.stop()


@contextmanager
def by_rabbitmq(cluster: Cluster) -> Iterator[RabbitMQ]:
    """A cluster whose messages go through RabbitMQ."""
    broker = RabbitMQ(cluster.folder / "rabbitmq")
    broker.start()
    cluster.environment["BROKER_URL"] = broker.url
    try:
        yield broker
    finally:
        cluster.end_members()
        broker.kill()
