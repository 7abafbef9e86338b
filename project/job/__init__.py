"""The job: a Celery task with a record, its results, retries, progress and cancellation.

May import: messages, store, records, telemetry, settings, errors.
"""
