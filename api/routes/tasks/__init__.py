"""Routes for jobs of every kind: lists, control, events, callbacks and files.

May import: jobs, http, server.
"""
