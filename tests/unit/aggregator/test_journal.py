"""The journal: written buckets and what was written down since give what was in hand, wherever it is cut."""

import random

import msgspec
import pytest

from proofwatch.events.types import Cell
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.journal import Added, added, replayed
from services.aggregator.core.merge import Bucket, BucketKey, SegmentWindow, deltas, merge, widened
from tests.integration.aggregator.traffic import traffic
from tests.unit.aggregator.test_merge import cells_of

pytestmark = pytest.mark.usefixtures("lengths_in_force")

_through = msgspec.msgpack.Decoder(Added).decode
_encode = msgspec.msgpack.encode


class Lane:
    """What the windows stage does with its buckets, without a database."""

    def __init__(self) -> None:
        self.buckets: dict[BucketKey, Bucket] = {}
        self.stored: dict[BucketKey, Bucket] = {}
        self.journal: list[Added] = []

    def take(self, cells: list[Cell], late: frozenset[BucketKey], closes: list[BucketKey], *, whole: bool) -> None:
        minutes = deltas(cells)
        entry = _through(_encode(added(minutes, utc_days, late)))
        touched = {bucket.key for bucket, _ in merge(self.buckets, widened(minutes, utc_days), late)}
        for key in closes:
            self.buckets[key].closed = True
        if whole:
            self.journal.clear()
        else:
            self.journal.append(entry)
        for key, bucket in self.buckets.items():
            if whole or key in closes or (bucket.closed and key in touched):
                self.stored[key] = _written(bucket)

    def read_again(self) -> dict[BucketKey, Bucket]:
        stored = {key: _written(bucket) for key, bucket in self.stored.items()}
        return replayed(stored, [_through(_encode(entry)) for entry in self.journal], utc_days)[0]


def _written(bucket: Bucket) -> Bucket:
    """Return the bucket as it comes back from its row."""
    back = msgspec.msgpack.decode(_encode(list(bucket.segments.values())), type=list[SegmentWindow])
    return Bucket(bucket.key, bucket.closed, {(each.name, each.value): each for each in back}, bucket.late)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_again_is_what_was_in_hand(seed: int) -> None:
    """After any steps, with buckets closing, restated, coming late, and written whole now and then."""
    draw, lane, everything = random.Random(seed), Lane(), traffic(120, seed=seed)
    while everything:
        batch = [everything.pop() for _ in range(min(len(everything), draw.randint(1, 20)))]
        keys = list(widened(deltas(cells_of(batch)), utc_days))
        late = frozenset(key for key in keys if draw.random() < 0.3)
        open_keys = [key for key, bucket in lane.buckets.items() if not bucket.closed]
        closes = [key for key in open_keys if draw.random() < 0.1]
        lane.take(cells_of(batch), late, closes, whole=draw.random() < 0.2)
        in_hand = {key: bucket for key, bucket in lane.buckets.items() if not bucket.closed}
        assert lane.read_again() == in_hand
