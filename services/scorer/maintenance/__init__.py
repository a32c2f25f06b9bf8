"""What operators do to the subjects' topic beside the running scorer."""
