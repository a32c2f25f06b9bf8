"""Outputs by purpose: each asks the one door, and enters what it gave out before it does."""
