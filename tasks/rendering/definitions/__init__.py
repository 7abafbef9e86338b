"""Report types and named queries: their TOML and SQL files, parameters and filters.

May import: no other room of rendering.
"""
