"""The imagery broker under faults."""
