"""Lanes: one input partition each, read by the same four steps everywhere; and the worker that drives them."""
