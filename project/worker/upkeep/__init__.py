"""What workers do for all jobs, a little at a time: maintenance, and the guard of the records.

May import: everything in ``project`` but the app, the pool and its processes.
"""
