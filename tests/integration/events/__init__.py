"""Wire formats against a real schema registry, and the AsyncAPI document against its real parser."""
