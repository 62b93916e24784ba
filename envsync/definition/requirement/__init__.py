"""Match specs, pip requirements and the files that hold them."""
