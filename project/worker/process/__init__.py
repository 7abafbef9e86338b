"""One pool process: its loop (``executor``), and what it shares with the worker's main process.

May import: everything in ``project`` but the app and the main process's modules.
"""
