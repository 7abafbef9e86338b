"""The platform: queue, records and workers. Knows no task and no route."""
