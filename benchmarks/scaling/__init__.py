"""Estimate larger installations with a simulation that uses measured costs."""
