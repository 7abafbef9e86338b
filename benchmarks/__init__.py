"""Figures of this machine: how fast jobs are taken and done."""
