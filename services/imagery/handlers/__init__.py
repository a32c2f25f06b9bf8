"""What the broker does."""
