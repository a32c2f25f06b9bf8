"""The deployables: scorer, aggregator, triage, notifier, and standalone, which runs all four in one process."""
