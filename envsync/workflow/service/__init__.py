"""Services on this machine: start, update, look at, stop."""
