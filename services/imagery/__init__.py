"""Imagery: the one service that opens pictures, and the only one with credentials for where they are kept."""
