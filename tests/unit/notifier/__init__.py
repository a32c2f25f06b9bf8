"""The notifier: pure routing, rendering, signing and retrying."""
