"""``python -m project.check``: tries the settings and every service.

May import: everything in project. Kinds declare their services with ``project.services``.
"""
