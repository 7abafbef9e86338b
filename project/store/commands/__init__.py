"""Every command that is sent to Redis, by noun. Each runs one script of `store/lua`.

Pure: a command is built here and run by a store. May import: records, errors.
"""
