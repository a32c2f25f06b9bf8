"""Pure: what becomes of pending entries, and whether a log may be signed."""
