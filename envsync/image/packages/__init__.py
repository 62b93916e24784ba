"""Layers of locked packages."""
