"""Devices with real components."""
