"""The kinds of tasks. A new kind is a module here."""
