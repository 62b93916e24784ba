"""Speaks HTTP; never runs the entry script."""
