"""Continuo as a stack, and the jobs and clocks that all stacks share."""
