"""Make, verify and compare images."""
