"""The use cases, one module a theme. They print nothing."""
