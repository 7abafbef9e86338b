"""Delivery of a blast: chunks of recipients, one SMTP connection, and the ledger.

May import: mail.
"""
