"""The scorer with real components."""
