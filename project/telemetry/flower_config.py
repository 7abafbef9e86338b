"""Flower's configuration: ``celery -A project flower --conf=project/telemetry/flower_config.py``.

Flower runs this file at its start. By default it would listen on all addresses without a
password, and lose its data when it stops.
"""

from project.telemetry.flower_setup import prepare

prepare()
