"""The relay: workers take the orders in the outboxes of applications, and make jobs of them.

An outbox is a table in an application's PostgreSQL; ``continuo_client.outbox`` writes it.
May import: everything in ``project`` but the app. Only this room imports psycopg, inside functions.
"""
