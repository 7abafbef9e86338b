"""One mail: from a template and a recipient to the signed bytes.

Here live templates, the brand, MIME, attachments, DKIM, unsubscribe links and the preview.
May import: ``tasks.emails.addresses`` and the brands of ``tasks.rendering``.
"""
