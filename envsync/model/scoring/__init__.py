"""What an entry script runs with."""
