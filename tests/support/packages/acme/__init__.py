"""A package of a user's own, beside Continuo: typed kinds, and a Celery app that existed before."""
