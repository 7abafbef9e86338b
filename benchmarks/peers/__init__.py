"""The other stacks: one module each, asked by ``benchmarks.comparison.driver``."""
