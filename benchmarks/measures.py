"""What is measured of one stack in one round: figures by name, units at the end of the name."""

import json
import time
from collections.abc import Sequence

from benchmarks import client, shared
from benchmarks.client import Load
from benchmarks.patience import until
from benchmarks.processes import Program
from benchmarks.scale import Scale
from benchmarks.scene import Scene
from project.local.demo import ask

type Figures = dict[str, float]

MANY = 64
"""Clients at once."""

ORDER = json.dumps({"type": "summary", "filters": {}, "max_retries": 3}).encode()
TASKS = json.dumps({"tasks": [{"kind": "report", "type": "summary", "filters": {}}] * 1_000})
POST = [client.post("/reports", ORDER)]
POST_BULK = [client.post("/tasks/bulk", TASKS.encode())]

WORKER_SECONDS = 60.0
DRAIN_SECONDS = 180.0
PICKUP_SECONDS = 60.0
DONE = frozenset({"success", "finished", "complete"})
MB = 1e6


def measure(scene: Scene, scale: Scale) -> Figures:
    """Everything, one after the other, with nothing else at work."""
    api = scene.start_api()
    figures = {"api_idle_mb": api.memory() / MB, "valkey_idle_mb": scene.valkey_memory() / MB}
    figures |= orders(scene, scale)
    scene.flush()
    jobs = round(scene.stack.pace * scale.drain)
    figures["enqueue_per_s"] = jobs / scene.call("enqueue", jobs)[1]
    worker = scene.start_worker()
    figures |= work(scene, worker, jobs, scale)
    ids = done_reports(scene)
    worker.kill()
    figures |= statuses(scene, ids, scale)
    figures["api_after_mb"] = api.memory() / MB
    figures["valkey_after_mb"] = scene.valkey_memory() / MB
    return figures | (bulk(scene, scale) if scene.stack.is_ours else {})


def orders(scene: Scene, scale: Scale) -> Figures:
    """``POST /reports``."""
    return http("post", scene.port, POST, scale, scale.post_rate)


def statuses(scene: Scene, ids: Sequence[str], scale: Scale) -> Figures:
    """``GET /reports/{id}`` of jobs that are done."""
    requests = [client.get(f"/reports/{job_id}") for job_id in ids]
    return http("get", scene.port, requests, scale, scale.get_rate)


def http(name: str, port: int, requests: list[bytes], scale: Scale, rate: float) -> Figures:
    """One client, many clients, and a fixed rate."""
    client.closed_loop(port, requests, connections=MANY, seconds=scale.warm)
    one = client.closed_loop(port, requests, connections=1, seconds=scale.http / 2)
    many = client.closed_loop(port, requests, connections=MANY, seconds=scale.http)
    fixed = client.open_loop(port, requests, connections=MANY, rate=rate, seconds=scale.http)
    return (
        http_figures(f"{name}_1", one)
        | http_figures(f"{name}_{MANY}", many)
        | http_figures(f"{name}_fixed", fixed)
    )


def http_figures(name: str, load: Load) -> Figures:
    """Rate and latencies of a load."""
    return {f"{name}_per_s": load.rate} | spread(name, load.latencies)


def spread(name: str, seconds: Sequence[float]) -> Figures:
    """Median and 99th percentile."""
    return {
        f"{name}_p50_ms": percentile(seconds, 50) * 1_000,
        f"{name}_p99_ms": percentile(seconds, 99) * 1_000,
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    place = -(-len(values) * percent // 100)
    return sorted(values)[max(int(place), 1) - 1]


def bulk(scene: Scene, scale: Scale) -> Figures:
    """``POST /tasks/bulk`` of a thousand, the same without HTTP, and bare messages on a list."""
    load = client.closed_loop(scene.port, POST_BULK, connections=1, seconds=scale.http)
    scene.flush()
    _, library = scene.call("bulk", scale.bulk)
    scene.flush()
    bare, _ = scene.call("push", scale.bulk)
    return {
        "bulk_per_s": load.rate * 1_000,
        "bulk_library_per_s": scale.bulk / library,
        "bulk_bare_per_s": scale.bulk / bare,
        "bulk_p50_ms": percentile(load.latencies, 50) * 1_000,
    }


def work(scene: Scene, worker: Program, jobs: int, scale: Scale) -> Figures:
    """What the worker does: it drains the queue, then jobs come one by one."""
    figures = drain(scene, worker, jobs)
    figures |= pickups(scene, "pickup_idle", scale.idle_rate, scale.idle)
    rate = figures["drain_per_s"] / 2
    figures |= {"half_load_per_s": rate} | pickups(scene, "pickup_half", rate, scale.half)
    return figures | {"worker_after_mb": worker.memory() / MB}


def done_reports(scene: Scene) -> list[str]:
    """The ids of finished reports. The job of peers does nothing; ours is not run at all."""
    if scene.stack.is_ours:
        ids: list[str] = scene.call("fill", MANY)[0]
        return ids
    ids = [str(ask(scene.port, "POST", "/reports", {})[1]["id"]) for _ in range(MANY)]
    until(lambda: all(is_done(scene.port, job_id) for job_id in ids), WORKER_SECONDS, "reports")
    return ids


def is_done(port: int, job_id: str) -> bool:
    """Whether the route says so, with what the job gave back."""
    _, report = ask(port, "GET", f"/reports/{job_id}")
    return str(report["status"]).lower() in DONE and bool(report["result"])


def drain(scene: Scene, worker: Program, jobs: int) -> Figures:
    """From the first finished job to the last: jobs per second, CPU per job."""

    def done() -> int:
        worker.require_running()
        return int(scene.call("finished", jobs)[0])

    until(done, WORKER_SECONDS, f"{scene.stack.name} finishes a job")
    idle = worker.memory()
    start, first = time.perf_counter(), done()
    cpu, valkey_cpu = worker.cpu_seconds(), scene.valkey_cpu_seconds()
    until(lambda: done() >= jobs, DRAIN_SECONDS, f"{scene.stack.name} finishes {jobs} jobs")
    drained, seconds = jobs - first, time.perf_counter() - start
    return {
        "worker_idle_mb": idle / MB,
        "drain_per_s": drained / seconds,
        "drain_cpu_ms": (worker.cpu_seconds() - cpu) / drained * 1_000,
        "drain_valkey_cpu_ms": (scene.valkey_cpu_seconds() - valkey_cpu) / drained * 1_000,
    }


def pickups(scene: Scene, name: str, rate: float, seconds: float) -> Figures:
    """From the call that enqueues a job to its start, with jobs coming at a steady rate."""
    count = round(rate * seconds)
    scene.redis.delete(shared.KEY)
    scene.call("stamps", rate, seconds)
    until(lambda: scene.redis.llen(shared.KEY) >= count, PICKUP_SECONDS, f"{count} jobs start")
    waits = [float(text) for text in scene.redis.lrange(shared.KEY, 0, -1)]
    return spread(name, waits)
