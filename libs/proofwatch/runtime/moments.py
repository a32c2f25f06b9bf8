"""Times on the command line."""

import argparse
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """Return an ISO 8601 time, in UTC where it names no zone. Raises `ArgumentTypeError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no ISO 8601 time such as 2026-01-15T08:00:00Z"
        raise argparse.ArgumentTypeError(msg) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
