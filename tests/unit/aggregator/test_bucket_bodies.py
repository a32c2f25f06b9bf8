"""Bodies of buckets: the whole tenant is read alone, and every reader finds what was written."""

import zlib

import msgspec
import pytest

from services.aggregator.adapters import bucket_bodies
from services.aggregator.core.merge import Bucket, BucketKey, Histogram, PolicyCounts, SegmentWindow
from services.aggregator.core.segments import WHOLE, Segment

_read_all = msgspec.msgpack.Decoder(list[SegmentWindow]).decode


def bucket(segments: list[Segment]) -> Bucket:
    """Return a bucket of these segment values, each with counts of its own."""
    windows = {
        segment: SegmentWindow(*segment, 3, {"p": PolicyCounts({"transactions": n}, {"t": n}, sketches(n))})
        for n, segment in enumerate(segments, 1)
    }
    return Bucket(BucketKey("bank", 86_400, 0), True, windows)


def sketches(n: int) -> dict[str, Histogram]:
    """Return a sketch that no other number has."""
    return {"match": Histogram("score/1", (0.5,), {str(each): each * n for each in range(1, 40)})}


def values(count: int) -> list[Segment]:
    """Return so many values of a segment."""
    return [("country", f"C{n}") for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 14, 15, 16, 40, 70_000], ids=str)
def test_whole_tenant_is_read_as_it_was_written(count: int) -> None:
    """Whatever number of values lies beside it, hence however long the head of the list."""
    made = bucket([WHOLE, *values(count)])
    assert bucket_bodies.whole_tenant(bucket_bodies.encoded_body(made)) == [made.segments[WHOLE]]


def test_the_others_are_not_unpacked() -> None:
    """What follows the whole tenant may be damaged: it is not looked at."""
    made = bucket([WHOLE, *values(30)])
    body = bucket_bodies.encoded_body(made)
    assert bucket_bodies.whole_tenant(body[: len(body) // 2]) == [made.segments[WHOLE]]
    with pytest.raises(zlib.error):
        zlib.decompress(body[: len(body) // 2])


@pytest.mark.parametrize(
    "segments",
    [[], values(5), [WHOLE], [WHOLE, *values(5)], [*values(5), WHOLE]],
    ids=["none", "no whole tenant", "only", "first", "last"],
)
def test_every_reader_finds_the_same(segments: list[Segment]) -> None:
    """One that unpacks all, as earlier releases do; one that picks; one that reads the whole tenant."""
    made = bucket(segments)
    body = bucket_bodies.encoded_body(made)
    wanted = [each for each in made.segments.values() if (each.name, each.value) == WHOLE]
    assert _read_all(zlib.decompress(body)) == list(made.segments.values())
    assert bucket_bodies.wanted_segments(body, lambda each: each == WHOLE) == wanted
    assert bucket_bodies.whole_tenant(body) == wanted
    assert bucket_bodies.met_segments(body) == list(made.segments)


@pytest.mark.parametrize("segments", [[WHOLE, *values(5)], [*values(5), WHOLE]], ids=["first", "last"])
def test_bodies_of_earlier_releases_are_read(segments: list[Segment]) -> None:
    """Without a block of its own, or not compressed at all."""
    made = bucket(segments)
    packed = msgspec.msgpack.encode(list(made.segments.values()))
    for body in (packed, zlib.compress(packed, 1)):
        assert bucket_bodies.whole_tenant(body) == [made.segments[WHOLE]]


def test_an_end_of_a_block_by_chance_changes_nothing() -> None:
    """The four bytes stand in the body, but the window is not all there: everything is unpacked."""
    window = SegmentWindow(None, None, 1, {"p": PolicyCounts({}, {}, {})})
    other = SegmentWindow("country", "C", 1, {})
    packed = msgspec.msgpack.encode([window, other])
    pack = zlib.compressobj(1)
    early = pack.compress(packed[:4]) + pack.flush(zlib.Z_SYNC_FLUSH) + pack.compress(packed[4:]) + pack.flush()
    assert bucket_bodies.whole_tenant(early) == [window]
