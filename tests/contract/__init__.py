"""One suite that every source runs and one that every sink runs. See `harness` for what an implementation brings."""
