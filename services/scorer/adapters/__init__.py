"""Subjects' states in Redis or in memory, and what governs: what the ports of the scorer stand for."""
