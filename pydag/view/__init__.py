"""What people and programs read. Nothing here opens the history."""
