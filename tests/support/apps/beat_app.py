"""A Celery app with one scheduled job: ``celery -A tests.support.apps.beat_app beat``."""

from project.celery import app

TICK_SECONDS = 1.5
"""No whole number, so that beat fires it itself."""

app.conf.beat_schedule = {"tick": {"task": "tests.add", "schedule": TICK_SECONDS, "args": (1, 1)}}
