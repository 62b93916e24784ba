"""What each command does, as plain typed functions."""
