"""Redis: one client, one Lua script for each state change, and the stream of events.

May import: records, settings, errors. Nothing else talks to Redis.
"""
