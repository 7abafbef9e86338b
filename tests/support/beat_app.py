"""An application with a schedule: ``celery -A tests.beating beat``."""

from project.celery import app

EVERY = 1.0

app.conf.beat_schedule = {"tick": {"task": "tests.add", "schedule": EVERY, "args": (1, 1)}}
