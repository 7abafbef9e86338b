"""Files from rows: pages, PDF, HTML, charts, spreadsheets and archives.

May import: definitions.
"""
