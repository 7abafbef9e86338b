"""Call jobs with anything, put anything on the queue: each is refused at the call or ends.

Run with ``python -m tests.fuzz``. Prints what became of the cases; the exit code is 1 when a call
failed in an unforeseen way, a job was lost, or a record is broken.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run the cases; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="continuo-fuzz-") as name:
        return run(Path(name), asked.cases, asked.seed)


def run(folder: Path, cases: int, seed: int) -> int:
    """Run the cases on a new Valkey; returns the exit code."""
    from tests.support.ports import find_free_port

    port = find_free_port()
    url = f"redis://127.0.0.1:{port}/0"
    os.environ |= {"DATA_DIR": str(folder), "REDIS_URL": url}  # before anything reads the settings

    import redis

    from project.celery import app
    from project.local.valkey import EmbeddedValkey
    from tests.fuzz.fuzzer import Fuzzer

    with EmbeddedValkey(folder / "valkey", port), redis.Redis.from_url(url) as client:
        figures = Fuzzer(app, client, seed).run(cases, folder, url, "--concurrency=2")
    print(f"refused: {dict(figures.refused)}")
    print(f"ended: {dict(figures.ended)}")
    print(f"messages: {figures.messages}, dead letters: {figures.dead_letters}")
    for problem, case in figures.crashed.items():
        print(f"crashed: {problem}\n   in {case}")
    for what in [*figures.lost[:20], *figures.faults[:20]]:
        print(f"wrong: {what}")
    print(f"{cases} cases, {len(figures.lost)} lost, {len(figures.faults)} faults")
    return 0 if figures.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
