"""The pool of a worker: its processes, started, watched, suspended and stopped by the main process.

May import: everything in ``project`` but the app, the lease and the consumer.
"""
