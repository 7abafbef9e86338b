"""Celery messages: built, validated, traced, and published through another broker.

May import: store, records, settings, errors.
"""
