"""Throughput and latency, printed and never asserted."""
