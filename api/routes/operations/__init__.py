"""Routes for operators: queues, workers, metrics and health.

May import: jobs, http, server.
"""
