"""The record of a job and what is counted about jobs. No clock and no network.

May import: errors.
"""
