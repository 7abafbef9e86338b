"""Settings, read from the environment once; API keys and secrets.

May import: errors.
"""
