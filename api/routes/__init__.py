"""The routes of the API, by what they are about.

May import: jobs, http, docs, server.
"""
