"""The history: every ended job as a row in Parquet files, by day and tenant, read with DuckDB.

(``project/records/history.py`` is another one: of the counters, for the charts of the last hour.)

``archiver`` writes, in a process of its own, one at a time. ``search``, ``summary`` and ``erasure``
answer the API. May import: store, logs, artifacts, extras, settings, errors.
"""
