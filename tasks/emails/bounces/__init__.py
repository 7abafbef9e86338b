"""Bounces and complaints that come back after a mail was accepted: read, checked, suppressed.

``dsn`` reads mails (RFC 3464 and 5965), ``ses`` and ``sns`` the notifications of Amazon SES,
``postmark`` those of Postmark; ``intake`` feeds the suppression list. ``python -m
tasks.emails.bounces`` reads a mail from standard input. May import: ``tasks.emails.delivery`` and
below.
"""
