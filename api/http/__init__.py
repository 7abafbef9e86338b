"""HTTP: routing, dispatch, parsing, problem documents, API keys and rate limits.

May import: telemetry. Knows no kind of job.
"""
