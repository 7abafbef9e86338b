"""Writes ``data.json``: commands that recreate data of version 0, for the test of the migration.

Run it in a checkout of commit 4cdf0ac, the last one before versions, with an empty Redis::

    export REDIS_URL=redis://127.0.0.1:7777/0 PYTHONPATH=.
    .venv/bin/python .../version_0/make.py .../version_0/data.json
"""

import json
import sys
from pathlib import Path
from typing import Any

from project import moves
from project.celery import app
from project.records import Progress, TaskStatus
from tasks.reports import generate_report

ORDER = {"type": "summary", "filters": {}}
run = app.store.run


def message(job_id: str, **options: Any) -> moves.Message:
    """The message of a report; options as for ``apply_async``."""
    return generate_report.message(kwargs=ORDER, **options)._replace(id=job_id)


def rename(made: moves.Message, job_id: str) -> moves.Message:
    """The same message for a job of this id."""
    text = made.text.replace(made.id, job_id)
    return made._replace(id=job_id, text=text)


def order(job_id: str, tenant: str = "", **options: Any) -> None:
    """Enqueue a report."""
    made = rename(generate_report.message(kwargs=ORDER, **options), job_id)
    run(moves.enqueue(made.owned_by(tenant) if tenant else made))


def begin(job_id: str, serial: int) -> str:
    """Take the next message, which is that of this job, and begin an attempt."""
    lists = ["celery", "slow"]
    ((_, text),) = run(moves.fetch("w", serial=serial, most=1, done=(), lists=lists))
    assert json.loads(text)["headers"]["id"] == job_id
    run(moves.start(job_id, retries=0, token=f"w#{serial}"))
    return f"w#{serial}"


def succeed(job_id: str, serial: int) -> None:
    """Take, run and end a job."""
    token = begin(job_id, serial)
    run(moves.succeed(job_id, token=token, result='{"rows":1}', news="{}"))
    run(moves.ack("w", [str(serial)]))


def fill() -> None:
    """Jobs in every state, with everything that a record can have."""
    about = {"host": "h", "pid": 1, "slots": 1, "started_at": 0, "queues": "celery\nslow"}
    run(moves.lease("w", 60, about, first=True))
    order("succeeded", tags=["a", "b"], tenant="acme", queue="slow", callback_url="http://x.org/")
    succeed("succeeded", 1)
    app.store.client.delete("celery")  # the delivery; its record stays
    order("failed", tags=["a"])
    token = begin("failed", 2)
    failed = {"status": TaskStatus.FAILED, "error": "boom", "exception": "{}", "news": "{}"}
    run(moves.fail("failed", token=token, **failed))
    run(moves.ack("w", ["2"]))
    order("cancelled", tenant="acme")
    app.store.client.delete("celery")
    run(moves.cancel("cancelled"))
    order("retrying", tags=["b"])
    token = begin("retrying", 3)
    again = rename(generate_report.message(kwargs=ORDER), "retrying")
    again = again._replace(text=again.text.replace('"retries": 0', '"retries": 1'))
    run(moves.retry("retrying", token=token, error="boom", delay=0.001, message=again))
    run(moves.ack("w", ["3"]))
    order("rerun")
    app.store.client.delete("celery")
    run(moves.cancel("rerun"))
    made = rename(generate_report.message(kwargs=ORDER, queue="slow"), "rerun")
    text = made.text.replace('"headers": {', '"headers": {"revival": "first", ')
    run(moves.revive(made._replace(text=text), attempts=0, call="first"))
    app.store.client.rpush("kept", app.store.client.lpop("slow"))
    order("running", tags=["a"])
    token = begin("running", 4)
    run(moves.progress("running", token=token, made=Progress(1, 2, "half")))
    run(moves.cancel("running"))
    app.store.client.lpush("slow", app.store.client.lpop("kept"))
    order("scheduled", tags=["b"], tenant="acme", queue="slow", countdown=86_400)
    order("pending", tags=["a"], tenant="acme", callback_url="http://x.org/")
    said = moves.Said("key", "order", 1000)
    made = rename(generate_report.message(kwargs=ORDER, queue="slow"), "once")
    run(moves.enqueue_once(made, said=said, unique=moves.Unique("one")))
    app.store.client.lpush("continuo:garbage", "celery\nrubbish")
    app.store.client.set("continuo:garbage:count", 1)
    run(moves.disable("http://gone.org/"))
    run(moves.pause("slow"))
    run(
        moves.add_up("p", 1, {"GET /reports\n=200": 3, "GET /reports\n2": 3, "GET /reports\nus": 9})
    )
    run(moves.measure(every=0, most=5))
    run(moves.remember(every=60))


def dump(key: str, client: Any) -> list[str]:
    """The command that recreates a key."""
    match client.type(key):
        case "hash":
            return ["HSET", key, *(item for pair in client.hgetall(key).items() for item in pair)]
        case "set":
            return ["SADD", key, *client.smembers(key)]
        case "list":
            return ["RPUSH", key, *client.lrange(key, 0, -1)]
        case "zset":
            pairs = client.zrange(key, 0, -1, withscores=True)
            return [
                "ZADD",
                key,
                *(text for member, score in pairs for text in (repr(score), member)),
            ]
    return ["SET", key, client.get(key)]


def main() -> None:
    """Fill Redis, and write its content."""
    fill()
    client = type(app.store.client).from_url(app.store_url, decode_responses=True)
    commands = []
    for key in sorted(client.keys()):
        if client.type(key) == "stream":
            for place, fields in client.xrange(key):
                pairs = [item for pair in fields.items() for item in pair]
                commands.append(["XADD", key, place, *pairs])
        else:
            commands.append(dump(key, client))
    Path(sys.argv[1]).write_text("\n".join(map(json.dumps, commands)) + "\n")


main()
