"""Governance at the command line: policies, tenants and controls."""
