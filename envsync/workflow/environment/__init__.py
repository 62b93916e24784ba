"""Make, verify and use conda environments."""
