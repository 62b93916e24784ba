"""Text for messages, without secrets."""
