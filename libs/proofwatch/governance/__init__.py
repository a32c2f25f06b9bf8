"""Policies, purposes and pseudonyms: what may be decided, on which grounds, and what may leave."""
