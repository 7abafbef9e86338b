"""Routes of schedules: write and read them, run them, and see what they did.

May import: jobs, http, telemetry.
"""
