"""Governance at the command line: policies, tenants, controls and attack patterns."""
