"""Biometric figures against known values, brute force and other implementations."""
