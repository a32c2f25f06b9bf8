"""The documents say what the tree holds."""
