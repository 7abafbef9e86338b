"""Celery's own integration tests, on stock Celery and on Continuo: ``make celery-suite``.

The tests come with the source of the installed Celery version. They are fetched into
``.bootstrap`` at run time; none of their code is in this project.
"""
