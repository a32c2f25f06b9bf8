"""The notifier on a real PostgreSQL and a real HTTP receiver."""
