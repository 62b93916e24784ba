"""Make, read, compare and export locks."""
