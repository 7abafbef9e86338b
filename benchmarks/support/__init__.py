"""Environments, processes, plots and generated parts of pages."""
