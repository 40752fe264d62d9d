"""The use cases, one module for each theme. They print nothing: whoever calls them shows the result."""
