"""Mail 5,000 recipients while workers are killed 15 times; none may get a mail twice.

Run with ``python -m tests.mails``. Prints the figures as JSON; exit code 1 when a promise was
broken.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
from pathlib import Path


def main() -> int:
    """Run the requested number of rounds; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mails", description=__doc__)
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--runs", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="continuo-mails-"))
    os.environ["DATA_DIR"] = str(folder)  # before anything reads the settings
    return max(run(folder / str(number), number, asked) for number in range(asked.runs))


def run(folder: Path, seed: int, asked: argparse.Namespace) -> int:
    """Run one blast on a new Valkey; returns the exit code."""
    import redis

    from project.local.valkey import EmbeddedValkey
    from tests.mails.kills import MailKillScene
    from tests.support.ports import find_free_port
    from tests.support.programs.workers import Workers
    from tests.support.servers.scripted_smtp import ScriptedSmtpServer

    folder.mkdir()
    with (
        EmbeddedValkey(folder / "valkey", find_free_port()) as valkey,
        ScriptedSmtpServer() as server,
    ):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        workers = Workers(folder, valkey.url, redis.Redis.from_url(valkey.url))
        try:
            scene = MailKillScene(workers, server, seed)
            figures = scene.run(asked.recipients, asked.workers, asked.kills, pause=0.8)
        finally:
            workers.stop()
            server.shutdown()
    print(json.dumps(figures.to_dict(), indent=1), flush=True)  # noqa: T201
    return 1 if figures.find_broken_promises() else 0


if __name__ == "__main__":
    sys.exit(main())
