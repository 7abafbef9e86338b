"""Routes for e-mail blasts, their recipients, previews and suppressions.

May import: ``api.jobs``, ``api.http``.
"""
