"""Container images from a lockfile, with the same bytes on every machine."""
