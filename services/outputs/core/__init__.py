"""What may be in an output, and what is in it: pure."""
