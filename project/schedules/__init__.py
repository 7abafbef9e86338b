"""Schedules: when a job is due again and again, and what any worker does when it is.

``cron`` and ``timetable`` compute times and know neither Redis nor Celery. ``book`` keeps
schedules, ``firing`` makes the jobs of those that are due, ``declarations`` has those that stand in
the code. May import: job, store, records, settings, errors.
"""
