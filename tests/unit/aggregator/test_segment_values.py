"""So many values of a segment are counted each by itself, the rest together; nothing is lost."""

from random import Random

from proofwatch.events.types import Cell
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.merge import PolicyCounts, SegmentWindow
from services.aggregator.core.segment_values import OTHER, PLACES, PLACES_OF_VERSIONS, Admitted, Overflow, capped
from services.aggregator.core.times import DAY_MS
from services.aggregator.core.versions.part import five_of


def cell(value: str | None, name: str | None = "sdk_version", tenant: str = "bank", day: int = 0) -> Cell:
    """Return the cell of one transaction."""
    return Cell(
        tenant=tenant, start=day * DAY_MS, segment_name=name, segment_value=value, policy_hash="a" * 32,
        counts={"transactions": 1}, sums={}, sketches={},
    )  # fmt: skip


def values_of(cells: list[Cell]) -> set[str | None]:
    return {each.segment_value for each in cells}


def test_an_sdk_that_sends_a_build_for_each_handset_fills_half_of_the_places_and_no_more() -> None:
    """The rest is counted together, and told; releases still find their places, whenever they come."""
    known = {"bank": Admitted()}
    flood = [cell(f"4.2.0-{n:08x}") for n in range(5_000)]
    found = capped(flood, known)
    assert len(values_of(found.cells)) == PLACES_OF_VERSIONS // 2 + 1
    assert len(found.cells) == 5_000
    assert found.overflows == [Overflow("bank", "sdk_version", 0, over=False)]
    releases = [cell(f"5.{n}.0") for n in range(20)]
    assert values_of(capped(releases, known).cells) == {each.segment_value for each in releases}


def test_as_long_as_the_places_suffice_the_order_decides_nothing() -> None:
    """And whoever has a place keeps it."""
    cells = [cell(f"4.{n}.0") for n in range(PLACES_OF_VERSIONS)]
    mixed = cells.copy()
    Random(1).shuffle(mixed)
    one, other = {"bank": Admitted()}, {"bank": Admitted()}
    assert capped(cells, one).cells == cells
    assert values_of(capped(mixed, other).cells) == values_of(cells)
    assert one == other
    assert values_of(capped([cell("9.9.9"), *cells], one).cells) == {OTHER, *values_of(cells)}
    assert not capped(cells, one).changed, "once a day is written down, not each time"


def test_what_was_not_seen_for_four_weeks_gives_up_its_place() -> None:
    known = {"bank": Admitted()}
    capped([cell(f"4.{n}.0") for n in range(PLACES_OF_VERSIONS)], known)
    capped([cell("4.1.0", day=20)], known)
    assert values_of(capped([cell("5.0", day=28)], known).cells) == {OTHER}
    assert values_of(capped([cell("5.0", day=29), cell("4.1.0", day=29)], known).cells) == {"5.0", "4.1.0"}
    assert values_of(capped([cell("4.7.0", day=29)], known).cells) == {"4.7.0"}


def test_an_overflow_is_told_once_and_is_over_after_a_whole_day_without() -> None:
    """However many handsets there are in between."""
    known = {"bank": Admitted()}
    capped([cell(f"build {n}") for n in range(PLACES_OF_VERSIONS // 2)], known)
    assert capped([cell("one more", day=3)], known).overflows == [Overflow("bank", "sdk_version", 3, over=False)]
    assert capped([cell("and more", day=3), cell("one more", day=4)], known).overflows == []
    assert capped([cell("4.2.0", day=5)], known).overflows == []
    assert capped([cell("4.2.0", day=6)], known).overflows == [Overflow("bank", "sdk_version", 3, over=True)]
    assert capped([cell("4.2.0", day=7)], known).overflows == []


def test_attributes_and_tenants_have_places_of_their_own_and_the_whole_tenant_none() -> None:
    known = {"bank": Admitted(), "telco": Admitted()}
    handsets = [cell(f"model {n}", "device_model") for n in range(PLACES + 10)]
    found = capped([*handsets, cell(None, None), cell("model x", "device_model", "telco"), cell("ios", "os")], known)
    assert [(each.tenant, each.name) for each in found.overflows] == [("bank", "device_model")]
    assert {None, "model x", "ios"} <= values_of(found.cells)
    assert found.changed == {"bank", "telco"}


def test_what_is_many_versions_is_no_version() -> None:
    """It is compared with nothing."""
    counts = {"a" * 32: PolicyCounts({"transactions": 9}, {}, {})}
    windows = [SegmentWindow(None, None, 1, counts), SegmentWindow("sdk_version", OTHER, 1, counts)]
    assert "sdk_version" not in five_of(0, windows, UTC_DAYS).versions
