"""pydag beside its peers, measured in one run: `python -m benchmarks`. See docs/benchmarks.md for what it means."""
