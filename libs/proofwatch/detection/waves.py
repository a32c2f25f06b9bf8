"""Whether a slice that fails makes its whole tenant look as if a check had failed closed. Pure.

Attacks that fail come faster than people, at night above all: then minutes see nobody pass, though everybody but the
attackers does. It is so where nearly all who came in these minutes may have been the slice's. A check that fails closed
is more than that: who comes from elsewhere fails as well.
"""

from math import inf, sqrt
from typing import Final

from proofwatch.detection.findings import FindingHistory, Panel
from proofwatch.detection.panel_counts import may_hold
from proofwatch.detection.root_slice import SHARE, Counts
from proofwatch.detection.runs import related
from proofwatch.detection.versions import fewer_fail

_APART: Final = 3.0
_MOST: Final = 0.5


def shut_by(slice_: FindingHistory, panel: Panel, whole: Counts, part: Counts | None) -> bool:
    """Return whether the failures of a panel's minutes, `whole`, may nearly all be those of a slice that fires.

    By its counts of these minutes (`part`, of the windows that are published; None: of none), where they are half of it
    and more; else by how often it fails while it fires.
    """
    until_ms = inf if slice_.until_ms is None else slice_.until_ms
    meanwhile = slice_.since_ms < panel.start_ms + panel.length_s * 1000 and panel.start_ms < until_ms
    if not meanwhile or fewer_fail(slice_) or not related(slice_.latest.metric, panel.metric):
        return False
    least = SHARE * whole.excess
    if part is not None and least > part.excess + _APART * sqrt(max(whole.k, 1)):
        return False
    if part is not None and part.excess >= _MOST * whole.excess:
        return True
    return may_hold(slice_, panel, least)
