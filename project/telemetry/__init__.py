"""Logs, traces and Flower.

May import: messages, records, settings, errors.
"""
