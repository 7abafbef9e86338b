"""Workflows: jobs of which some wait for others, and take their results.

``graph`` checks what is ordered, ``nodes`` makes the messages of its jobs, ``book`` orders and
reads workflows from code that blocks, ``building`` is ``workflow("name").add(...)``. May import:
job, store, records, settings, errors.
"""
