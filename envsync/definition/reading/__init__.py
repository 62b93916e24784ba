"""What all source formats are read with: files, fields, findings."""
