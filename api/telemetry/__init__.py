"""The access log, request metrics and spans.

May import: nothing else of the API.
"""
