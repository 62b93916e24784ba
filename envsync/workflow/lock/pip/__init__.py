"""Local files and folders that pip requirements name."""
