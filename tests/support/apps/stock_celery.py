"""Celery as everybody has it: stock transport, stock backend, nothing of ours.

Both a client's app and, with ``celery -A tests.support.apps.stock_celery worker``, a worker's.
"""

import os

from celery import Celery

url = os.environ.get("REDIS_URL", "")
app = Celery("plain", broker=url, backend=url)
app.conf.broker_connection_retry_on_startup = True


@app.task(name="tests.add")
def add(x: int, y: int) -> int:
    return x + y
