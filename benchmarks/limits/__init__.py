"""Lanes and limits under load: ``python -m benchmarks.limits``."""
