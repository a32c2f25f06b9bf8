"""Merging cells into buckets."""

import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.events.types import Cell, Verdict
from services.aggregator.core import lengths
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.merge import (
    Bucket,
    BucketKey,
    Histogram,
    PolicyCounts,
    SegmentWindow,
    deltas,
    totals,
    widened,
)
from services.aggregator.core.merge import merge as merge_in
from tests.unit.aggregator.test_fold import fold
from tests.unit.aggregator.verdicts import verdicts

pytestmark = pytest.mark.usefixtures("lengths_in_force")

Buckets = dict[BucketKey, Bucket]


def merge(buckets: Buckets, cells: list[Cell]) -> None:
    list(merge_in(buckets, widened(deltas(cells), utc_days)))


def cells_of(batch: list[Verdict]) -> list[Cell]:
    """Return the cells as windows gets them: from the wire."""
    return msgspec.json.decode(msgspec.json.encode(fold(batch)), type=list[Cell])


def counted(buckets: Buckets) -> dict[object, PolicyCounts]:
    return {
        (key, segment, policy): counts
        for key, bucket in buckets.items()
        for segment, window in bucket.segments.items()
        for policy, counts in window.policies.items()
    }


@given(st.lists(verdicts(), max_size=60), st.data())
def test_any_cut_into_batches_and_any_order_give_the_same_buckets(batch: list[Verdict], data: st.DataObject) -> None:
    """Merging is exact, commutative and associative: only the set of verdicts counts."""
    whole: Buckets = {}
    merge(whole, cells_of(batch))
    shuffled = list(batch)
    random.Random(data.draw(st.integers(0, 9))).shuffle(shuffled)
    cuts = sorted({0, len(batch), *data.draw(st.lists(st.integers(0, len(batch)), max_size=5))})
    parts: Buckets = {}
    for begin, end in pairwise(cuts):
        merge(parts, cells_of(shuffled[begin:end]))
    assert counted(parts) == counted(whole)


@given(st.lists(verdicts(), min_size=1, max_size=40))
def test_every_length_holds_every_transaction_once(batch: list[Verdict]) -> None:
    """The minutes, the five minutes and the days of the whole tenant each sum up to all verdicts."""
    buckets: Buckets = {}
    merge(buckets, cells_of(batch))
    for length_s in lengths.LENGTHS_S:
        windows = [b.segments[None, None] for b in buckets.values() if b.key.length_s == length_s]
        assert sum(totals(window).counts["transactions"] for window in windows) == len(batch)
        assert all(bucket.key.start_ms % (bucket.key.length_s * 1000) == 0 for bucket in buckets.values())


def test_buckets_share_nothing_with_each_other() -> None:
    """Adding to one length later must not change another."""
    cell = Cell(
        tenant="bank",
        start=0,
        segment_name=None,
        segment_value=None,
        policy_hash="a" * 32,
        counts={"transactions": 1},
        sums={"capture_ms": 1.5},
        sketches={},
    )
    buckets: Buckets = {}
    merge(buckets, [cell])
    minute, *longer = buckets.values()
    minute.segments[None, None].policies["a" * 32].counts["transactions"] = 100
    assert [totals(bucket.segments[None, None]).counts["transactions"] for bucket in longer] == [1] * len(longer)
    assert totals(longer[0].segments[None, None]).sums == {"capture_ms": 1500}


def test_sketches_of_two_policies_meet_on_their_common_edges() -> None:
    """A window over two policies shows what is exact under both."""
    scores = {0.85: [0.2, 0.855, 0.9], 0.8612: [0.86, 0.99]}
    policies, singles = {}, []
    for number, (threshold, values) in enumerate(scores.items()):
        sketch = Sketch(edge_set((threshold,)))
        sketch.add_many(values)
        singles.append(sketch)
        counts = PolicyCounts({"transactions": len(values)}, {}, {"match": Histogram(*sketch.to_wire())})
        policies[str(number)] = counts
    total = totals(SegmentWindow(None, None, 0, policies))
    assert total.counts == {"transactions": 5}
    assert Sketch.from_wire(*msgspec.structs.astuple(total.sketches["match"])) == merged(singles)
