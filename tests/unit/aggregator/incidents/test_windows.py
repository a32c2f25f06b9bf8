"""Counts of windows, as slices are compared by them."""

from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, Panel
from services.aggregator.core.incident_windows import Place, rate_by, table, told_of
from tests.unit.aggregator.incidents.a_log import window


def test_windows_tell_first_attempts_beside_all_where_they_are_known() -> None:
    """So that a finding of first attempts is sought among first attempts; what a release before counted has none."""
    counts = {"transactions": 100, "decision.retry": 9, "again.transactions": 8, "again.decision.retry": 5}
    old = window(WHOLE, 840, 9, 100)
    new = replace(old, counts={**counts, "first_attempts": 92})
    panel = Panel("rejection_rate:first_attempts", 300, 0)
    told = {}
    for name, each in (("old", replace(old, counts=counts)), ("new", new)):
        rows = {Place(300, 0): rate_by([told_of(each, 1)], panel.metric, 2)}
        told[name] = table(panel, rows)
    assert told == {"old": {}, "new": {WHOLE: (4, 92)}}
