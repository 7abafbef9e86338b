"""API processes: start, supervision, shutdown and downloads of large files.

May import: http, telemetry.
"""
