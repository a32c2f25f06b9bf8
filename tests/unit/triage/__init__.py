"""Triage: pure case logic."""
