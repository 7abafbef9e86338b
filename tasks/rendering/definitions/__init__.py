"""What a report type or named query is: its file, parameters and filters.

May import: nothing else of the rendering.
"""
