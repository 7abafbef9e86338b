"""``bin/continuo``: orders, shows and steers jobs from a shell, over HTTP.

May import: errors, records, settings, version.
"""
