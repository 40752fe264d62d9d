"""Where the history of runs lives. A new store is a folder here."""
