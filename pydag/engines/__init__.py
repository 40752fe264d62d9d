"""Where attempts execute. A new engine is a folder here."""
