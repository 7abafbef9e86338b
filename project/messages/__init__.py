"""Messages: Celery's format, built, checked and published.

``template`` and ``builder`` make the ``Message`` of a call, ``validation`` checks a fetched one,
``outbox`` publishes to RabbitMQ, ``trace_context`` holds the headers that follow a request.
May import: store, records, settings, errors.
"""
