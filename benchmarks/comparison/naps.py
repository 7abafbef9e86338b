"""Measure asynchronous jobs that sleep, all at once in one process."""

import json

from benchmarks.comparison.measures import BYTES_PER_MB, Figures
from benchmarks.comparison.scene import StackScene
from benchmarks.stacks.shared import NAPS_KEY
from benchmarks.support.waiting import wait_until

NAPS = 1_000
NAPS_TIMEOUT_SECONDS = 60.0


def measure_naps(scene: StackScene) -> Figures:
    """Seconds from the start of the first job to the end of the last, and the worker's memory.

    The jobs are queued before the worker starts.
    """
    scene.call("enqueue_naps", NAPS)
    command, variables = scene.call("nap_worker", NAPS)[0]
    worker = scene.start(command, **variables)
    wait_until(
        lambda: scene.redis.llen(NAPS_KEY) >= NAPS,
        NAPS_TIMEOUT_SECONDS,
        f"{scene.stack.name} runs {NAPS} asynchronous jobs",
    )
    naps = [json.loads(text) for text in scene.redis.lrange(NAPS_KEY, 0, -1)]
    return {
        "naps_s": max(end for _, end in naps) - min(start for start, _ in naps),
        "naps_mb": worker.memory() / BYTES_PER_MB,
    }
