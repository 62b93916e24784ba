"""The files of an image, and how they differ from another's."""
