"""A run on a terminal, while it is running."""
