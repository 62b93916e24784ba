"""The worker processes that run the entry script."""
