"""What Flower reads first: ``celery -A project flower --conf=project/flowerconfig.py``.

Flower runs this file as its configuration. By itself it would listen on all addresses
without a password, keep everything in memory and forget it at the end.
"""

from project.watching import prepare

prepare()
