"""The embedded history, in one SQLite file."""
