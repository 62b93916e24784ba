"""A conda prefix, created from a lockfile."""
