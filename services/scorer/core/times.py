"""Times in the unit of the records: milliseconds since the Unix epoch."""

from proofwatch.events.types import Transaction


def occurred_ms(event: Transaction) -> int:
    """Return when the transaction occurred, to the nearest millisecond."""
    return round(event.occurred_at.timestamp() * 1000)
