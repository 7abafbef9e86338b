"""The comparison with other stacks: scenes, load, measurements and targets."""
