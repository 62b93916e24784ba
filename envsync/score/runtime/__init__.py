"""What runs inside the target environment: Python 3.6 or newer, standard library alone."""
