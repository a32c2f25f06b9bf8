"""Triage: suspicions and anomalies become cases with reasons; the grave ones are escalated to people."""
