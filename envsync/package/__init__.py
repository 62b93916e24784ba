"""One package's files: what they are, who has them, and what may not be among them."""
