"""A run on a terminal while it goes."""
