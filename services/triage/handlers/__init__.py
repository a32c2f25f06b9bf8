"""What triage does with a batch."""
