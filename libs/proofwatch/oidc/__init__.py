"""Signing in with an OpenID Connect provider: what it says, and whether that can be believed."""
