"""What consents needs from outside."""
