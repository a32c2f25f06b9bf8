"""Triage on a real PostgreSQL."""
