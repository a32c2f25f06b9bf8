"""The record of what a step found, whichever rule found it."""

from collections.abc import Callable

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Anomaly
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.finding import in_tenants_time


def found_record(encode: Callable[[Anomaly], bytes], anomaly: Anomaly, days_of: DaysOf, at_ms: int | None) -> Outgoing:
    """Return the record of an anomaly; `at_ms`: its log time, None: the lane's."""
    told = in_tenants_time(anomaly, days_of(anomaly.tenant))
    return Outgoing(topics.ANOMALIES, anomaly.tenant.encode(), encode(told), None, at_ms)
