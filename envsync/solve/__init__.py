"""What to ask the solvers for, and what their answers mean."""
