"""Jobs that belong to others: replacements, errbacks, what follows the end of a canvas part.

May import: messages, store, records, errors.
"""
