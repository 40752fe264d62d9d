"""The history on a Redis server."""
