"""A Celery app that existed before Continuo."""

from celery import Celery

app = Celery("acme", broker="redis://localhost/0", include=["acme.old"])
app.conf.task_routes = {"acme.old.slow": {"queue": "slow"}}
app.conf.beat_schedule = {"tick": {"task": "acme.old.add", "schedule": 3600.0, "args": (1, 2)}}
