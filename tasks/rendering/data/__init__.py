"""Rows: files queried by DuckDB, and PostgreSQL.

May import: definitions.
"""
