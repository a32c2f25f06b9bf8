"""What every service that answers people's browsers shares: one listener, one guard, one way to be signed in."""
