"""Delivery of a mailing: from the task to the SMTP server and the ledger in Redis.

Here live the slices of the job, the state of a mailing, the SMTP connection and the rate limits.
May import: ``tasks.emails.mail`` and ``tasks.emails.addresses``.
"""
