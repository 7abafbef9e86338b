"""A plain Celery app: stock transport and stock backend, without Continuo.

Serves as a client's app and as a worker: ``celery -A tests.support.apps.stock_celery worker``.
"""

import os

from celery import Celery

url = os.environ.get("REDIS_URL", "")
app = Celery("plain", broker=url, backend=url)
app.conf.broker_connection_retry_on_startup = True


@app.task(name="tests.add")
def add(x: int, y: int) -> int:
    return x + y
