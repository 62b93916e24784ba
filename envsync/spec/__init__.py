"""Definitions, from each source format and back."""
