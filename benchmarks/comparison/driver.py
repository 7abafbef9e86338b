"""Call a stack's library in its own environment: ``python -m benchmarks.comparison.driver MODULE``.

Reads lines ``{"call": name, "arguments": [...]}``, calls that function of the module and
answers ``{"answer": ..., "seconds": ...}``. Every stack's module has::

    worker_command(processes)        the command of its worker
    enqueue(count)                   enqueues empty jobs with one library call each
    enqueue_stamps(rate, seconds)    enqueues jobs at a steady rate; each records its wait
    count_finished(sent)             the number of sent jobs that its own store calls finished
    flower_command(port)             the command of Flower, if it can listen to this stack
    nap_worker(jobs)                 the command of a worker that runs that number of asynchronous
                                     jobs at once in one process, and its environment variables
    enqueue_naps(count)              enqueues asynchronous jobs that sleep for a second
    app                              the FastAPI application (ours is ``python -m api``)
"""

import json
import os
import sys
import time
from importlib import import_module


def main(name: str) -> None:
    """Answer calls until the input ends or a call fails."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module = import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        answer = getattr(module, request["call"])(*request["arguments"])
        seconds = time.perf_counter() - start
        print(json.dumps({"answer": answer, "seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
