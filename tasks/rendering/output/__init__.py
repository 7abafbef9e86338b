"""Rows as files: PDF, HTML, spreadsheets, CSV, Parquet, JSON, and zips of them.

May import: data, definitions.
"""
