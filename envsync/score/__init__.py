"""The entry script, run in the environment it was written for."""
