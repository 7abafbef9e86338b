"""The report engine: runs SQL with DuckDB or PostgreSQL and renders the rows into files.

The kinds ``report`` and ``export`` share it. It runs in a child process (``process``) without
Celery and settings. May import: project, no kind of job.
"""
