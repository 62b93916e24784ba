"""What lies in an image, and how it differs."""
