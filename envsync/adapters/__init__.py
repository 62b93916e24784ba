"""One module for each system outside envsync."""
