"""Stages and parts of the scorer: they wait for others, and leave what is decided to the core."""
