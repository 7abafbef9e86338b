"""The comparison with other stacks: scenes, load, measures and targets."""
