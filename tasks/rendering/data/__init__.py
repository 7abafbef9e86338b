"""The rows of a report: tables read from files with DuckDB, or queried from PostgreSQL.

May import: definitions.
"""
