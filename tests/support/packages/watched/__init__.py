"""Kinds that log and fail, for tests of what people see of that."""
