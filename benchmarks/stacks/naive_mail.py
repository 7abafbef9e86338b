"""The simple ways to send mails: a loop over smtplib, and a Celery task for each recipient.

Both build the same mails as our blast, so that only the way of sending differs.
"""

import os
import smtplib
import sys
import time

import redis
from celery import Celery

from tasks.emails.mail.compose import compose

SERVER = ("127.0.0.1", int(os.environ.get("SMTP_PORT", "2525")))
SENDER = "continuo@localhost.localdomain"
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6399/0")
SENT_KEY = "naive:sent"

queue = Celery("naive", broker=REDIS_URL)
queue.conf.task_ignore_result = True
counter = redis.Redis.from_url(REDIS_URL)


@queue.task
def send(recipient: str) -> None:
    """Send one mail over a new connection."""
    with smtplib.SMTP(*SERVER, local_hostname="bench", timeout=10) as server:
        server.sendmail(SENDER, [recipient], compose("bench", recipient, "default"))
    counter.incr(SENT_KEY)


def enqueue(count: int) -> None:
    """Enqueue a task for each recipient."""
    for number in range(count):
        send.delay(address_of(number))


def send_all(count: int) -> float:
    """Send all mails over one connection; returns the seconds."""
    compose("bench", address_of(0), "default")
    started = time.perf_counter()
    with smtplib.SMTP(*SERVER, local_hostname="bench", timeout=10) as server:
        for number in range(count):
            recipient = address_of(number)
            server.sendmail(SENDER, [recipient], compose("bench", recipient, "default"))
    return time.perf_counter() - started


def address_of(number: int) -> str:
    """The address of a recipient."""
    return f"user{number}@example.org"


if __name__ == "__main__":
    print(send_all(int(sys.argv[1])))
