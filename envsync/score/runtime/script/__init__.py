"""Loads and calls the entry script; never speaks HTTP."""
