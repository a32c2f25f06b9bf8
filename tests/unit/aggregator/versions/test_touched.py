"""What a new version makes another."""

import pytest

from services.aggregator.core.series import SeriesKey
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.touched import touched


@pytest.mark.parametrize(
    ("name", "metric", "said"),
    [
        ("matcher_version", "match_fail_rate", True),
        ("matcher_version", "fnmr", True),
        ("matcher_version", "rejection_rate", True),
        ("matcher_version", "liveness_fail_rate", False),
        ("matcher_version", "apcer:mask", False),
        ("pad_version", "apcer:mask", True),
        ("pad_version", "match_ms", False),
        ("sdk_version", "capture_ms", True),
        ("policy", "rejection_rate", True),
        ("policy", "match_ms", False),
    ],
)
def test_a_version_touches_what_it_has_a_part_in(name: str, metric: str, said: bool) -> None:
    """Rates of the other check go on as they were; what decides touches decisions."""
    marker = Marker(name, "2", "1", 0, 0, 100, 1.0, "comparing")
    assert touched(marker, SeriesKey("bank", None, None, metric, 300)) is said
    assert touched(marker, SeriesKey("bank", "os", "ios", metric, 300)) is said
    assert touched(marker, SeriesKey("bank", name, "2", metric, 300)) is said
    assert not touched(marker, SeriesKey("bank", name, "1", metric, 300))
