"""Measure one stack in one round. The names of figures end with their unit."""

import json
import time
from collections.abc import Sequence

from benchmarks.comparison import client
from benchmarks.comparison.client import LoadResult
from benchmarks.comparison.scale import BenchmarkScale
from benchmarks.comparison.scene import StackScene
from benchmarks.stacks import shared
from benchmarks.support.processes import MeasuredProgram
from benchmarks.support.waiting import wait_until
from project.local.demo import request_json

type Figures = dict[str, float]

MANY_CLIENTS = 64
"""The number of clients of the loads with many clients."""

REPORT_BODY = json.dumps({"type": "summary", "filters": {}, "max_retries": 3}).encode()
BULK_BODY = json.dumps({"tasks": [{"kind": "report", "type": "summary", "filters": {}}] * 1_000})
POST_REQUESTS = [client.build_post("/reports", REPORT_BODY)]
BULK_REQUESTS = [client.build_post("/tasks/bulk", BULK_BODY.encode())]

WORKER_TIMEOUT_SECONDS = 60.0
DRAIN_TIMEOUT_SECONDS = 180.0
PICKUP_TIMEOUT_SECONDS = 60.0
DONE_STATUSES = frozenset({"success", "finished", "complete"})
BYTES_PER_MB = 1e6


def measure_stack(scene: StackScene, scale: BenchmarkScale) -> Figures:
    """Take all measurements one after the other."""
    api = scene.start_api()
    figures = {
        "api_idle_mb": api.memory() / BYTES_PER_MB,
        "valkey_idle_mb": scene.valkey_memory() / BYTES_PER_MB,
    }
    figures |= measure_posts(scene, scale)
    scene.flush()
    jobs = round(scene.stack.jobs_per_second * scale.drain)
    figures["enqueue_per_s"] = jobs / scene.call("enqueue", jobs)[1]
    worker = scene.start_worker()
    figures |= measure_work(scene, worker, jobs, scale)
    if scene.stack.is_ours:
        worker.kill()  # it would run the reports
    ids = create_done_reports(scene)
    worker.kill()
    figures |= measure_gets(scene, ids, scale)
    figures["api_after_mb"] = api.memory() / BYTES_PER_MB
    figures["valkey_after_mb"] = scene.valkey_memory() / BYTES_PER_MB
    if scene.stack.has_flower:
        figures |= measure_watched_drain(scene, jobs)
    return figures | (measure_bulk(scene, scale) if scene.stack.is_ours else {})


def measure_posts(scene: StackScene, scale: BenchmarkScale) -> Figures:
    """Measure ``POST /reports``."""
    return measure_http("post", scene.port, POST_REQUESTS, scale, scale.post_rate)


def measure_gets(scene: StackScene, ids: Sequence[str], scale: BenchmarkScale) -> Figures:
    """Measure ``GET /reports/{id}`` of finished jobs."""
    requests = [client.build_get(f"/reports/{job_id}") for job_id in ids]
    return measure_http("get", scene.port, requests, scale, scale.get_rate)


def measure_http(
    name: str, port: int, requests: list[bytes], scale: BenchmarkScale, rate: float
) -> Figures:
    """Measure one client, many clients and a fixed rate."""
    client.run_closed_loop(port, requests, connections=MANY_CLIENTS, seconds=scale.warm)
    one = client.run_closed_loop(port, requests, connections=1, seconds=scale.http / 2)
    many = client.run_closed_loop(port, requests, connections=MANY_CLIENTS, seconds=scale.http)
    fixed = client.run_open_loop(
        port, requests, connections=MANY_CLIENTS, rate=rate, seconds=scale.http
    )
    return (
        figures_from_load(f"{name}_1", one)
        | figures_from_load(f"{name}_{MANY_CLIENTS}", many)
        | figures_from_load(f"{name}_fixed", fixed)
    )


def figures_from_load(name: str, load: LoadResult) -> Figures:
    """The rate and the latencies of a load."""
    return {f"{name}_per_s": load.rate} | figures_from_latencies(name, load.latencies)


def figures_from_latencies(name: str, seconds: Sequence[float]) -> Figures:
    """The median and the 99th percentile in milliseconds."""
    return {
        f"{name}_p50_ms": find_percentile(seconds, 50) * 1_000,
        f"{name}_p99_ms": find_percentile(seconds, 99) * 1_000,
    }


def find_percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` percent of all values do not exceed."""
    place = -(-len(values) * percent // 100)
    return sorted(values)[max(int(place), 1) - 1]


def measure_bulk(scene: StackScene, scale: BenchmarkScale) -> Figures:
    """``POST /tasks/bulk`` of 1,000 jobs, the same without HTTP, and bare messages on a list."""
    load = client.run_closed_loop(scene.port, BULK_REQUESTS, connections=1, seconds=scale.http)
    scene.flush()
    _, library = scene.call("bulk", scale.bulk)
    scene.flush()
    bare, _ = scene.call("push", scale.bulk)
    return {
        "bulk_per_s": load.rate * 1_000,
        "bulk_library_per_s": scale.bulk / library,
        "bulk_bare_per_s": scale.bulk / bare,
        "bulk_p50_ms": find_percentile(load.latencies, 50) * 1_000,
    }


def measure_work(
    scene: StackScene, worker: MeasuredProgram, jobs: int, scale: BenchmarkScale
) -> Figures:
    """Measure the worker: it drains a full queue, then runs jobs that arrive one by one."""
    wait_for_first_job(scene, worker, jobs)
    figures = {"worker_idle_mb": worker.memory() / BYTES_PER_MB}
    figures |= measure_drain(scene, worker, jobs, "drain")
    figures |= measure_pickups(scene, "pickup_idle", scale.idle_rate, scale.idle)
    rate = figures["drain_per_s"] / 2
    figures |= {"half_load_per_s": rate} | measure_pickups(scene, "pickup_half", rate, scale.half)
    return figures | {"worker_after_mb": worker.memory() / BYTES_PER_MB}


def create_done_reports(scene: StackScene) -> list[str]:
    """The ids of finished reports. The peers' jobs do nothing; ours are not run."""
    if scene.stack.is_ours:
        ids: list[str] = scene.call("fill", MANY_CLIENTS)[0]
        return ids
    ids = [
        str(request_json(scene.port, "POST", "/reports", {})[1]["id"]) for _ in range(MANY_CLIENTS)
    ]
    wait_until(
        lambda: all(is_done(scene.port, job_id) for job_id in ids),
        WORKER_TIMEOUT_SECONDS,
        "reports",
    )
    return ids


def is_done(port: int, job_id: str) -> bool:
    """Whether the route shows the job as finished, with its result."""
    _, report = request_json(port, "GET", f"/reports/{job_id}")
    return str(report["status"]).lower() in DONE_STATUSES and bool(report["result"])


def measure_watched_drain(scene: StackScene, jobs: int) -> Figures:
    """Measure the drain of a full queue while Flower listens, and Flower's CPU time per job."""
    scene.flush()
    flower = scene.start_flower()
    scene.call("enqueue", jobs)
    worker = scene.start_worker(2, "--task-events")
    wait_for_first_job(scene, worker, jobs)
    before = flower.cpu_seconds()
    figures = measure_drain(scene, worker, jobs, "drain_flower")
    flower.require_running()
    figures["flower_cpu_ms"] = (flower.cpu_seconds() - before) / jobs * 1_000
    worker.kill()
    flower.kill()
    return figures


def wait_for_first_job(scene: StackScene, worker: MeasuredProgram, jobs: int) -> None:
    """Wait until the worker has finished a job."""
    wait_until(
        lambda: count_finished(scene, worker, jobs),
        WORKER_TIMEOUT_SECONDS,
        f"{scene.stack.name} finishes a job",
    )


def count_finished(scene: StackScene, worker: MeasuredProgram, jobs: int) -> int:
    """The number of finished jobs. Raises ``RuntimeError`` when the worker has ended."""
    worker.require_running()
    return int(scene.call("count_finished", jobs)[0])


def measure_drain(scene: StackScene, worker: MeasuredProgram, jobs: int, name: str) -> Figures:
    """Jobs per second from now to the last finished job, and CPU time per job."""
    start, first = time.perf_counter(), count_finished(scene, worker, jobs)
    cpu, valkey_cpu = worker.cpu_seconds(), scene.valkey_cpu_seconds()
    wait_until(
        lambda: count_finished(scene, worker, jobs) >= jobs,
        DRAIN_TIMEOUT_SECONDS,
        f"{scene.stack.name} finishes {jobs} jobs",
    )
    drained, seconds = jobs - first, time.perf_counter() - start
    return {
        f"{name}_per_s": drained / seconds,
        f"{name}_cpu_ms": (worker.cpu_seconds() - cpu) / drained * 1_000,
        f"{name}_valkey_cpu_ms": (scene.valkey_cpu_seconds() - valkey_cpu) / drained * 1_000,
    }


def measure_pickups(scene: StackScene, name: str, rate: float, seconds: float) -> Figures:
    """The time from the call that enqueues a job to its start, at a steady rate."""
    count = round(rate * seconds)
    scene.redis.delete(shared.PICKUPS_KEY)
    scene.call("enqueue_stamps", rate, seconds)
    wait_until(
        lambda: scene.redis.llen(shared.PICKUPS_KEY) >= count,
        PICKUP_TIMEOUT_SECONDS,
        f"{count} jobs start",
    )
    waits = [float(text) for text in scene.redis.lrange(shared.PICKUPS_KEY, 0, -1)]
    return figures_from_latencies(name, waits)
