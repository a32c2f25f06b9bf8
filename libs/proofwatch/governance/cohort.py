"""Whom a rate, a window or a control is about."""

from typing import NamedTuple


class Cohort(NamedTuple):
    """A tenant's transactions: all of them (None, None), or those with one value of one segment."""

    tenant: str
    segment_name: str | None = None
    segment_value: str | None = None
