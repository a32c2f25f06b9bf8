"""The aggregator: what was decided, and how often it was wrong, in windows of time."""
