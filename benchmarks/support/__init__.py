"""Environments, processes, plots and parts of pages."""
