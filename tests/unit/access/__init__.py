"""Access: what is pure of it."""
