"""A lockfile made real: a container image, the same bytes on every machine."""
