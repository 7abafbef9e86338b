"""The press: takes an order, asks DuckDB, sets the page, gives back a PDF.

It runs as a process of its own (``python -m press`` in the folder above), so
it imports nothing but itself, DuckDB, msgspec and Typst: no Celery, no settings.
"""
