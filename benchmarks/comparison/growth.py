"""Measurements of Continuo alone: requests among many records, and real work."""

from statistics import median

from benchmarks.comparison import client
from benchmarks.comparison.measures import POST_REQUESTS, Figures, find_percentile
from benchmarks.comparison.scale import BenchmarkScale
from benchmarks.comparison.scene import StackScene
from benchmarks.support.waiting import wait_until
from project.local.demo import request_json

LOOK_SECONDS = 0.3
REWRITE_TIMEOUT_SECONDS = 300.0
BLAST_COUNT = 2


def measure_growth(scene: StackScene, scale: BenchmarkScale) -> list[Figures]:
    """Repeat the same requests of one client while the number of records grows."""
    steps: list[Figures] = []
    for size in scale.sizes:
        scene.redis.config_set("appendfsync", "no")
        before = read_used_memory(scene)
        missing = size - count_records(scene)
        ids, seconds = scene.call("fill", missing)
        scene.redis.config_set("appendfsync", "everysec")
        wait_until(
            lambda: not is_rewriting(scene), REWRITE_TIMEOUT_SECONDS, "Valkey rewrites its file"
        )
        grown = {
            "records": float(size),
            "fill_per_s": missing / seconds,
            "bytes_per_record": (read_used_memory(scene) - before) / missing,
        }
        steps.append(grown | measure_requests(scene, ids, scale.looks))
    return steps


def measure_requests(scene: StackScene, ids: list[str], count: int) -> Figures:
    """Medians in milliseconds of every request, each measured several times in turn."""
    requests = {
        "get": [client.build_get(f"/reports/{job_id}") for job_id in ids],
        "list": [client.build_get("/reports")],
        "stats": [client.build_get("/queue/stats")],
    }
    turns = [
        {name: measure_p50_ms(scene.port, asked) for name, asked in requests.items()}
        for _ in range(count)
    ]
    figures = {f"{name}_p50_ms": median(turn[name] for turn in turns) for name in requests}
    return figures | {"post_p50_ms": measure_p50_ms(scene.port, POST_REQUESTS)}


def measure_p50_ms(port: int, requests: list[bytes]) -> float:
    """The median latency of one client in milliseconds."""
    load = client.run_closed_loop(port, requests, connections=1, seconds=LOOK_SECONDS)
    return find_percentile(load.latencies, 50) * 1_000


def count_records(scene: StackScene) -> int:
    """The number of records."""
    return int(request_json(scene.port, "GET", "/queue/stats")[1]["total_tasks"])


def read_used_memory(scene: StackScene) -> float:
    """The bytes that Valkey has allocated."""
    return float(scene.redis.info("memory")["used_memory"])


def is_rewriting(scene: StackScene) -> bool:
    """Whether Valkey has a child process that writes a file."""
    about = scene.redis.info("persistence")
    return bool(about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"])


def measure_real_work(scene: StackScene, scale: BenchmarkScale) -> Figures:
    """Reports and mails per second of a worker with two processes and the bundled sink."""
    scene.start(["python", "-m", "project.local.mail_sink"])
    scene.start_worker()
    scene.call("render", 1)
    scene.call("mail", 1, 1)
    return {
        "reports_per_s": scene.call("render", scale.reports)[0],
        "mails_per_s": scene.call("mail", BLAST_COUNT, scale.recipients)[0],
    }
