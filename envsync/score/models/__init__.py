"""Models: the registry of this machine, and what a script sees of one."""
