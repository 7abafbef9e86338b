"""What the routes of every kind of job share: orders, records, lists and waiting.

May import: http.
"""
