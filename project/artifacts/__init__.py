"""Files that jobs make: signed links, storage on disk or in a bucket, and cleanup.

May import: settings, text, errors.
"""
