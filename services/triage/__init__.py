"""Triage: suspicions and incidents become cases with reasons; the grave ones are escalated to people."""
