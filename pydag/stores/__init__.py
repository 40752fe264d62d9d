"""Where the history of runs lives."""
