"""What stands around a stage or a fence: each takes one care off it."""
