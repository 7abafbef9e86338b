"""The tasks of the suite, registered on Continuo's app."""

from t.integration.tasks import ClassBasedAutoRetryTask

from project.celery import app

app.register_task(ClassBasedAutoRetryTask())
