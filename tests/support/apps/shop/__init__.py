"""A Django app that orders jobs: its migration makes the outbox, its views order."""
