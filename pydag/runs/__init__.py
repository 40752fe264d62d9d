"""One run: what may start, what happened, who is told, who tracks it."""
