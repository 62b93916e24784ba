"""A lockfile made real: a conda prefix."""
