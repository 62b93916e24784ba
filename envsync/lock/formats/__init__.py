"""Lockfiles of other tools."""
