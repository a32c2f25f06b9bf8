"""What is known of a finding by its revisions, in whatever order they come."""

from itertools import permutations

from msgspec.structs import replace

from proofwatch.detection.findings import panel_of
from proofwatch.detection.revisions import finding_of, merged
from tests.unit.detection.anomalies import anomaly, within


def test_the_last_revision_is_the_latest_whatever_came_first() -> None:
    """Fired, risen, ended: its end is the state, the strongest evidence the worst, the first since when."""
    fired = anomaly(k=40, severity="low_evidence", p_value=1e-3)
    risen = anomaly(k=90, minute=845, first=840, revision=2)
    ended = within(risen, 900, revision=3)
    for order in permutations((fired, risen, ended)):
        found = finding_of(order[0])
        for each in order[1:]:
            found = merged(found, finding_of(each))
        assert found.latest == ended
        assert found.worst is not None
        assert found.worst.k == 90
        assert found.since == fired.window_start


def test_first_attempts_are_compared_with_first_attempts() -> None:
    """The counts that a slice is sought in have the name of what the finding counted."""
    fired = anomaly(k=40)
    assert panel_of(finding_of(fired)).metric == "liveness_fail_rate"
    assert panel_of(finding_of(replace(fired, counted="first_attempts"))).metric == "liveness_fail_rate:first_attempts"
