"""Standalone mode: the four services in one process, on an in-process bus and an embedded PostgreSQL."""
