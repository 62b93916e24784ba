"""The folder of an entry script: what of it is copied."""
