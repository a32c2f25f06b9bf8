"""Scorer-checker: decides what happens to each onboarding transaction."""
