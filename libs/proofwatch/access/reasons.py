"""Reasons that people give: on record for good, so they must say something."""


def stated(reason: str) -> str:
    """Return a reason without what surrounds it; empty where nothing in it can be read, but invisible characters."""
    found = reason.strip()
    return found if any(each.isalnum() for each in found) else ""
