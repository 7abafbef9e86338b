"""Measure how fast this machine enqueues and runs jobs."""
