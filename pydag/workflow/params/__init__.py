"""Parameters: how a file declares them, and where their values come from."""
