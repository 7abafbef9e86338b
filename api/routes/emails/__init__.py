"""Routes for e-mail blasts, their recipients, previews, suppressions and bounces.

May import: ``api.jobs``, ``api.http``.
"""
