"""Devices: notices one handset behind too many proofs; raises suspicions, never changes a verdict."""
