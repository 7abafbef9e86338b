"""The worker: fetches messages, runs jobs, keeps its lease and does maintenance.

May import: everything in `project` but the app. Celery's worker internals are used only here.
"""
