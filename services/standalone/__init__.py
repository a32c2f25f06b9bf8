"""Standalone mode: all eight processes in one, on an in-process bus and an embedded PostgreSQL."""
