"""Check, edit, export and save definitions."""
