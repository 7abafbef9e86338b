"""Shared by the routes of all kinds of job: orders, records, lists, waiting and filters.

May import: http, telemetry.
"""
