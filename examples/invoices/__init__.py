"""An invoice run as a workflow: see ``docs/how-to/invoice-run.md``."""
