"""The whole system where everybody is asked who they are."""
