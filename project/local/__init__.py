"""One machine: `make up`, the Procfile, the bundled Valkey and mail sink, and the demo.

May import: settings, records, errors, processes.
"""
