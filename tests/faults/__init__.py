"""Kills, freezes and scaling on real components."""
