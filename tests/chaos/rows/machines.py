"""Rows with several machines: a host dies or is cut off, a server is replaced."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.judge.row_result import RowResult
from tests.chaos.rows.outages import UNLIMITED_JOBS, occupy_worker
from tests.chaos.stage import hosts
from tests.chaos.stage.cluster import Cluster
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosStage
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.servers.sentinels import SAFE_WRITE_OPTIONS, Sentinels


def kill_hosts(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Hosts lose power one after the other, without closing connections, and come back later."""
    with stage("host-kill", scale, place=hosts.place_on_hosts) as scene:
        net: hosts.NetworkHosts = scene.place
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        for number in range(scale.hosts_killed):
            member = scene.cluster.members[number % len(scene.cluster.members)]
            scene.cluster.run_for(scale.between)
            net.cut(member)
            scene.cluster.kill_main(member)
            scene.cluster.run_for(scale.host_away)
            net.join(member)
        scene.measure_resume(time.time())
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def cut_host(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """A host is cut off during a long job; after its return it must not finish the job."""
    with stage("host-cut", scale, place=hosts.place_on_hosts) as scene:
        net: hosts.NetworkHosts = scene.place
        first = scene.cluster.members[0]
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        long_jobs = occupy_worker(scene, f"{first.name}@chaos")
        net.cut(first)
        cut_at = time.time()
        scene.cluster.run_for(scale.link_cut)
        scene.cluster.killed += len(first.children())  # the worker kills them: its lease ended
        net.join(first)
        scene.measure_resume(time.time())
        load.stop()
        scene.settle(scale.patience)
        scene.recoveries += [
            run.began_at - cut_at for job in long_jobs for run in scene.account().by_job[job][1:2]
        ]
        return scene.figures()


def fail_over(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """The primary dies, Sentinels promote a replica, and the old primary returns as a replica."""
    with stage("failover", scale, valkey_options=SAFE_WRITE_OPTIONS, place=run_sentinels) as scene:
        watch: Sentinels = scene.place
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate)
        for _ in range(scale.failovers):
            scene.cluster.run_for(scale.between)
            dead = watch.kill_primary()
            scene.cluster.killed += 1
            scene.expect(lambda dead=dead: watch.has_other_primary(dead), 30, "no other primary")
            scene.measure_resume(time.time())
            scene.cluster.run_for(scale.between)
            dead.supervise()
            scene.expect(watch.is_in_sync, 60, "the old primary did not become a replica")
            scene.cluster.valkey = watch.first()
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


def kill_rabbitmq(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """With RabbitMQ as broker, kill a worker and the broker in turn."""
    with stage("rabbitmq", scale, place=run_rabbitmq) as scene:
        broker: RabbitMQ = scene.place
        load = scene.keep_sending(UNLIMITED_JOBS, scale.rate / 2)
        for number in range(scale.rabbit_faults):
            scene.cluster.run_for(scale.between)
            if number % 2:
                broker.kill()
                scene.cluster.killed += 1
                broker.start()
                scene.measure_resume(time.time())
            else:
                scene.cluster.kill_main(scene.cluster.members[number % scale.workers])
        scene.cluster.run_for(scale.between)
        load.stop()
        scene.settle(scale.patience)
        return scene.figures()


@contextmanager
def run_sentinels(cluster: Cluster) -> Iterator[Sentinels]:
    """Give the cluster's server replicas and Sentinels."""
    sentinels = Sentinels(cluster.valkey, cluster.folder)
    sentinels.start()
    cluster.address = sentinels.url
    try:
        yield sentinels
    finally:
        cluster.kill_members()
        sentinels.stop()


@contextmanager
def run_rabbitmq(cluster: Cluster) -> Iterator[RabbitMQ]:
    """Send the cluster's messages through RabbitMQ."""
    broker = RabbitMQ(cluster.folder / "rabbitmq")
    broker.start()
    cluster.environment["BROKER_URL"] = broker.url
    try:
        yield broker
    finally:
        cluster.kill_members()
        broker.kill()
