"""``python -m benchmarks.comparison.driver MODULE``: a stack's library in its own environment.

Reads lines ``{"call": name, "arguments": [...]}``, calls that function of the module and
answers ``{"answer": ..., "seconds": ...}``. Every stack's module has::

    worker_command(processes)        the command of its worker
    enqueue(count)           so many empty jobs, one call of the library after the other
    enqueue_stamps(rate, seconds)    jobs at a steady rate, each noting how long it waited
    count_finished(sent)           how many of the jobs sent its own store says are finished
    app                      the FastAPI application (ours is ``python -m api``)
"""

import json
import os
import sys
import time
from importlib import import_module


def main(name: str) -> None:
    """Answer until the input ends; an error ends it, too."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module = import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.perf_counter()
        answer = getattr(module, asked["call"])(*asked["arguments"])
        seconds = time.perf_counter() - start
        print(json.dumps({"answer": answer, "seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
