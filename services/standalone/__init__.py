"""Standalone mode: all seven processes in one, on an in-process bus and an embedded PostgreSQL."""
