"""The scorer on its own."""
