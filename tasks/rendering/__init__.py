"""The press: takes an order, asks DuckDB or PostgreSQL, makes files of the rows.

No kind of job: ``report`` and ``export`` both have their files made here. It works in a
process of its own (``process``), which loads no Celery and no settings.
"""
