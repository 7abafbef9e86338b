"""Settings, the only reader of the environment; API keys, secrets and bucket credentials.

May import: errors.
"""
