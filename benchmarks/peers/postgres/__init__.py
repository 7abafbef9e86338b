"""Queues that live in PostgreSQL, for ``benchmarks.outbox``; in an environment of their own."""
