"""Access on a real PostgreSQL."""
