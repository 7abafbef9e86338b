"""The logs of jobs: what a job logs or prints, sent to Redis by the process that runs it.

May import: store, records, telemetry, settings, errors. ``handler`` hears the lines, ``masks``
hides secrets in them, ``sender`` keeps them in a bounded buffer and sends them.
"""
