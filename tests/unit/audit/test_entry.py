from datetime import timedelta, timezone

import msgspec
import pytest

from proofwatch.audit.entry import InvalidLeaf, entry_of, leaf_of
from proofwatch.audit.export import InvalidExport, entry_line, leaf_of_line
from tests.unit.audit.a_log import an_entry, at


def test_a_leaf_is_its_entry_and_its_line_says_both() -> None:
    entry = an_entry(1)
    leaf = leaf_of(entry)
    assert entry_of(leaf) == entry
    assert leaf_of_line(entry_line(7, leaf)) == (7, leaf)
    assert msgspec.json.decode(entry_line(7, leaf))["entry"]["logged_at"] == "2026-03-01T09:00:20Z"


@pytest.mark.parametrize(
    ("found", "other"),
    [
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version": 1'),
        (b'"version":1', b'"unknown":1,"version":1'),
        (b'"outcome":"granted"', b'"outcome":"maybe"'),
        (b'"tenant":"kestrel-telecom",', b""),
        (b'"reason":"the', b'"reason":"\\u0074he'),
        (b"2026-03-01T09:00:20Z", b"2026-03-01T10:00:20+01:00"),
        (b"2026-03-01T09:00:20Z", b"2026-03-01T09:00:20"),
        (b"2026-03-01T09:00:20Z", b"2026-03-01T09:00:20.000Z"),
        (b'"imagery.viewed"', b'"Imagery Viewed"'),
        (b'"purpose":"provide_features"', b'"purpose":"curiosity"'),
        (b'"policy":"ab', b'"policy":"AB'),
        (b'"views":1', b'"views":1,"views":1'),
        (b'"views":1', b'"views":1.0'),
    ],
)
def test_there_is_one_way_to_write_a_leaf(found: bytes, other: bytes) -> None:
    leaf = leaf_of(an_entry(1))
    assert found in leaf
    with pytest.raises(InvalidLeaf):
        entry_of(leaf.replace(found, other))


def test_a_time_in_a_zone_is_refused_when_it_is_written() -> None:
    zoned = at(1).astimezone(timezone(timedelta(hours=1)))
    with pytest.raises(InvalidLeaf, match="not in UTC"):
        leaf_of(msgspec.structs.replace(an_entry(1), logged_at=zoned))
    with pytest.raises(InvalidLeaf, match="not in UTC"):
        leaf_of(msgspec.structs.replace(an_entry(1), logged_at=at(1).replace(tzinfo=None)))


def test_a_field_beside_the_leaf_that_says_something_else_is_seen() -> None:
    line = entry_line(7, leaf_of(an_entry(1)))
    with pytest.raises(InvalidExport, match="do not agree with the leaf"):
        leaf_of_line(line.replace(b'"outcome":"granted"', b'"outcome":"denied"'))
    with pytest.raises(InvalidExport, match="written in another way"):
        leaf_of_line(line.replace(b'"index":7', b'"index": 7'))
