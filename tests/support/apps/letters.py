"""A ``ConsumerStep``, which takes messages that are no jobs; for ``celery worker -I``."""

from typing import Any

from celery import bootsteps
from kombu import Consumer, Queue

from project.celery import app

LETTERS = Queue("letters")


class Letters(bootsteps.ConsumerStep):
    """Pushes the content of each message to the list ``read_letters``."""

    def get_consumers(self, channel: Any) -> list[Consumer]:
        return [Consumer(channel, queues=[LETTERS], callbacks=[self.read], accept=["json"])]

    def read(self, content: Any, message: Any) -> None:
        app.store.client.rpush("read_letters", content["text"])
        message.ack()


app.steps["consumer"].add(Letters)
