"""The rule beside ours is the one of the library, over whole years at once."""

import numpy as np

from proofwatch.biometrics.baseline import Baseline, compare
from tests.scenarios.naive import begins, naive
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import MONITORING


def test_each_window_is_judged_as_the_library_compares_it() -> None:
    """Slow, one by one, beside fast, all at once: the whole tenant's windows of an eleventh and twelfth day."""
    seen = list(days(np.random.default_rng(5), Tenant(per_hour=500.0, daily=False, weekend=()), 12))
    for fired in naive(seen, MONITORING.expected):
        n, k = (np.stack([getattr(day, name)[fired.metric][0] for day in seen]) for name in ("n", "k"))
        for at in (10, 11):
            same = [i for i in range(at) if (i % 7 >= 5) == (at % 7 >= 5)]
            for window in range(288):
                hour = slice(window // 12 * 12, window // 12 * 12 + 12)
                before = Baseline(int(k[same, hour].sum()), int(n[same, hour].sum()), len(same))
                one = compare(int(k[at, window]), int(n[at, window]), before, MONITORING.expected[fired.metric])
                assert fired.bare[0, at * 288 + window] == (one.severity is not None)
                assert fired.guarded[0, at * 288 + window] == (one.severity == "high")


def test_an_alarm_begins_once_however_long_it_lasts() -> None:
    fired = np.array([[False, True, True, False, True], [True, True, False, False, False]])
    assert begins(fired).tolist() == [[False, True, False, False, True], [True, False, False, False, False]]
