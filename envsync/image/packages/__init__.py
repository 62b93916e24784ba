"""The layers of locked packages."""
