"""The other stacks, one module each, called by ``benchmarks.comparison.driver``."""
