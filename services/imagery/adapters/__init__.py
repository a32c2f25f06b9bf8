"""The broker's databases, stores and renderer."""
