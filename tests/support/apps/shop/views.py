"""Views that order a job; the requests are transactions (``ATOMIC_REQUESTS``)."""

from continuo_client.outbox import enqueue
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

ORDERED: list[str] = []
"""The ids of the orders of this process."""


def order(request: HttpRequest) -> JsonResponse:
    """Order a job."""
    ORDERED.append(str(enqueue(connection, "tests.add", {"x": 1, "y": 2})))
    return JsonResponse({"job": ORDERED[-1]}, status=202)


def order_and_fail(request: HttpRequest) -> JsonResponse:
    """Order a job, then fail."""
    order(request)
    raise RuntimeError("after the order")


urlpatterns = [path("order", order), path("fail", order_and_fail)]
