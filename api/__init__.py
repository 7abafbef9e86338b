"""HTTP in front: no business rule, no Redis command."""
