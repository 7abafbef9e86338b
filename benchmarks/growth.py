"""What only ours is asked: how it holds up as records pile up, and how fast it does real work."""

from statistics import median

from benchmarks import client
from benchmarks.measures import POST, Figures, percentile
from benchmarks.patience import until
from benchmarks.scale import Scale
from benchmarks.scene import Scene
from project.local.demo import ask

LOOK_SECONDS = 0.3
REWRITE_SECONDS = 300.0
BLASTS = 2


def growth(scene: Scene, scale: Scale) -> list[Figures]:
    """The same requests of one client at ever more records of finished jobs."""
    steps: list[Figures] = []
    for size in scale.sizes:
        scene.redis.config_set("appendfsync", "no")
        before = used_memory(scene)
        missing = size - records(scene)
        ids, seconds = scene.call("fill", missing)
        scene.redis.config_set("appendfsync", "everysec")
        until(lambda: not is_rewriting(scene), REWRITE_SECONDS, "Valkey rewrites its file")
        grown = {
            "records": float(size),
            "fill_per_s": missing / seconds,
            "bytes_per_record": (used_memory(scene) - before) / missing,
        }
        steps.append(grown | looks(scene, ids, scale.looks))
    return steps


def looks(scene: Scene, ids: list[str], count: int) -> Figures:
    """Medians in milliseconds of every request, each looked at several times in turn."""
    requests = {
        "get": [client.get(f"/reports/{job_id}") for job_id in ids],
        "list": [client.get("/reports")],
        "stats": [client.get("/queue/stats")],
    }
    turns = [
        {name: p50_ms(scene.port, asked) for name, asked in requests.items()} for _ in range(count)
    ]
    figures = {f"{name}_p50_ms": median(turn[name] for turn in turns) for name in requests}
    return figures | {"post_p50_ms": p50_ms(scene.port, POST)}


def p50_ms(port: int, requests: list[bytes]) -> float:
    """The median latency of one client."""
    load = client.closed_loop(port, requests, connections=1, seconds=LOOK_SECONDS)
    return percentile(load.latencies, 50) * 1_000


def records(scene: Scene) -> int:
    """How many there are."""
    return int(ask(scene.port, "GET", "/queue/stats")[1]["total_tasks"])


def used_memory(scene: Scene) -> float:
    """Bytes that Valkey has allocated."""
    return float(scene.redis.info("memory")["used_memory"])


def is_rewriting(scene: Scene) -> bool:
    """Whether Valkey has a child that writes a file."""
    about = scene.redis.info("persistence")
    return bool(about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"])


def real_work(scene: Scene, scale: Scale) -> Figures:
    """Reports and mails per second by one worker of two processes; mails go to the bundled sink."""
    scene.start(["python", "-m", "project.local.mail_sink"])
    scene.start_worker()
    scene.call("render", 1)
    scene.call("mail", 1, 1)
    return {
        "reports_per_s": scene.call("render", scale.reports)[0],
        "mails_per_s": scene.call("mail", BLASTS, scale.recipients)[0],
    }
