"""What a larger installation would take: a simulation fed with measured costs."""
