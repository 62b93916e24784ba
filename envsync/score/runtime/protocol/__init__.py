"""What the server and the script's worker say to each other."""
