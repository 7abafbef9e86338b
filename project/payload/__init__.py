"""What a kind of job takes and gives, as the types of its function say.

May import: errors. ``payload`` reads the types and checks calls; ``violations`` and ``words`` say
what is wrong with a value.
"""
