"""Devices on its own."""
