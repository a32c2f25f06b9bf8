"""What rates are called."""

from proofwatch.detection.words import METRICS

_OF_WHAT_IF = {"retakes": "requests to try again, at today's share", "reviews": "reviews by people, at today's share"}


def named(metric: str) -> str:
    """Return what a metric is called, that of one species by it."""
    name, _, of = metric.partition(":")
    said = _OF_WHAT_IF.get(name) or METRICS.get(name, name.replace("_", " "))
    return f"{said}, {of}" if of else said
