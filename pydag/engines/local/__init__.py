"""The embedded engine: attempts are processes of this machine."""
