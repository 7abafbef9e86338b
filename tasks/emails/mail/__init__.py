"""One mail: its template, MIME message, signature, attachments and preview.

May import: nothing else of the e-mails but their addresses.
"""
