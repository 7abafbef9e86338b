"""What we do: one module or package per kind of job; none knows another."""
