"""What Flower reads first: ``celery -A project flower --conf=project/telemetry/flower_config.py``.

Flower runs this file as its configuration. By itself it would listen on all addresses
without a password, keep everything in memory and forget it at the end.
"""

from project.telemetry.flower_setup import prepare

prepare()
