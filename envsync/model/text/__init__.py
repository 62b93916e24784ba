"""Words for people, with secrets left out."""
