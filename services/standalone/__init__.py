"""Standalone mode: all eight stages in one, on an in-process bus and an embedded PostgreSQL."""
