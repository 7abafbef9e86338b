"""Our stack and what all stacks share: their jobs and how they are driven."""
