"""Folding verdicts into cells."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.edges import TIME_GRID, edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.events.codec import TALLY
from proofwatch.events.types import Cell, Device, Tally, Verdict
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.figures import OF_FIRST, counted, counted_first, people_referred
from services.aggregator.core.fold import Fold
from services.aggregator.core.merge import Bucket, BucketKey, deltas, merge, totals, widened
from services.aggregator.core.segments import segments_of
from tests.unit.aggregator.verdicts import CATALOGUE, THRESHOLDS, verdicts


def fold(batch: list[Verdict]) -> list[Cell]:
    folding = Fold(CATALOGUE)
    for verdict in batch:
        folding.add(verdict)
    return list(folding.cells())


@given(st.lists(verdicts(), max_size=60))
def test_every_cell_equals_a_direct_count(batch: list[Verdict]) -> None:
    """Counters, sums and sketches of a cell are those of exactly the verdicts that belong to it."""
    cells = fold(batch)
    seen = 0
    for cell in cells:
        mine = [v for v in batch if belongs(v, cell)]
        seen += len(mine)
        assert cell.counts == direct_counts(mine)
        match_threshold, liveness_threshold = THRESHOLDS[cell.policy_hash]
        for name, edges, values in (
            ("match", edge_set((match_threshold,)), [v.match_score for v in mine]),
            ("liveness", edge_set((liveness_threshold,)), [v.liveness_score for v in mine]),
            ("capture_ms", edge_set(grid=TIME_GRID), [v.timings.capture_ms for v in mine if v.timings]),
            ("liveness_ms", edge_set(grid=TIME_GRID), [v.timings.liveness_ms for v in mine if v.timings]),
        ):
            present = [value for value in values if value is not None]
            wanted = Sketch(edges)
            wanted.add_many(present)
            got = cell.sketches.get(name)
            assert (Sketch.from_wire(got.grid, got.thresholds, got.bins) if got else Sketch(edges)) == wanted
            if name.endswith("_ms") and present:
                assert Fraction(cell.sums[name]) == Fraction(sum(round(each * 1000) for each in present) / 1000)
    assert seen == sum(len(segments_of(v, frozenset(CATALOGUE))) for v in batch)


def belongs(verdict: Verdict, cell: Cell) -> bool:
    start = int(verdict.occurred_at.timestamp() * 1000) // 60_000 * 60_000
    segment = (cell.segment_name, cell.segment_value)
    return (verdict.tenant, start, verdict.basis.policy_hash) == (
        cell.tenant,
        cell.start,
        cell.policy_hash,
    ) and segment in segments_of(verdict, frozenset(CATALOGUE))


def direct_counts(mine: list[Verdict]) -> Counter[str]:
    counts: Counter[str] = Counter(first_attempts=0)
    for v in mine:
        names = ["transactions", f"decision.{v.decision}", f"match.{v.match_outcome}"]
        names += [f"liveness.{v.liveness_outcome}"] if v.liveness_outcome != "not_requested" else []
        before = v.basis.attempts_before
        names += [f"again.{name}" for name in names] if before.match + before.liveness else ["first_attempts"]
        if v.decision == "refer":
            names.append("referred.again" if v.basis.referred_before else "referred.once")
        names += [f"action.{v.action}"] if v.action != "none" else []
        if v.timings and v.timings.capture_ms is not None:
            names.append("timing.capture_ms")
        if v.timings and v.timings.liveness_ms is not None:
            names.append("timing.liveness_ms")
        counts.update(names)
    return counts


@given(st.lists(verdicts(), min_size=1, max_size=40), st.data())
def test_first_attempts_are_the_same_however_verdicts_are_split(batch: list[Verdict], data: st.DataObject) -> None:
    """Cut into batches anywhere, merged into buckets, restated: the rates of first attempts are those of the log."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(batch)), max_size=4)))
    parts = [batch[low:high] for low, high in pairwise([0, *cuts, len(batch)])]
    buckets: dict[BucketKey, Bucket] = {}
    for part in parts:
        list(
            merge(
                buckets,
                widened(deltas(msgspec.json.decode(msgspec.json.encode(fold(part)), type=list[Cell])), utc_days),
            )
        )
    for key, bucket in buckets.items():
        for segment, window in bucket.segments.items():
            mine = [v for v in batch if in_window(v, key) and segment in segments_of(v, frozenset(CATALOGUE))]
            first = [v for v in mine if not v.basis.attempts_before.match + v.basis.attempts_before.liveness]
            told = counted_first(totals(window).counts)
            assert told == {m: kn for m, kn in counted(direct_counts(first)).items() if m in OF_FIRST}
            again = [v for v in mine if v.decision == "refer" and v.basis.referred_before]
            once = sum(v.decision == "refer" for v in mine) - len(again)
            assert people_referred(totals(window).counts) == (once, len(mine) - len(again))


def in_window(verdict: Verdict, key: BucketKey) -> bool:
    at_ms = int(verdict.occurred_at.timestamp() * 1000)
    return verdict.tenant == key.tenant and key.start_ms <= at_ms < key.end_ms


def test_what_a_release_before_counted_is_not_known_of_first_attempts() -> None:
    """A sum with counters that do not tell them apart is not known; one without further attempts is all first ones."""
    old = {"transactions": 3, "decision.accept": 2, "decision.retry": 1, "match.pass": 3, "liveness.pass": 3}
    new = {**old, "first_attempts": 2, "again.transactions": 1, "again.decision.retry": 1, "again.match.pass": 1}
    assert counted_first(old) is None
    assert counted_first({name: old.get(name, 0) + n for name, n in new.items()}) is None
    assert counted_first({**old, "first_attempts": 3}) == {m: kn for m, kn in counted(old).items() if m in OF_FIRST}
    told = counted_first(new)
    assert told is not None
    assert (told["rejection_rate"], told["match_fail_rate"]) == ((0, 2), (0, 2))
    none = {"transactions": 1, "first_attempts": 0, "again.transactions": 1, "decision.retry": 1}
    assert (counted_first({**none, "again.decision.retry": 1}) or {})["rejection_rate"] == (0, 0)


def test_what_a_release_before_counted_is_not_known_of_people_who_were_referred() -> None:
    """Where nobody was referred it is known all the same: nobody was."""
    old = {"transactions": 5, "decision.accept": 3, "decision.refer": 2}
    new = {"transactions": 9, "decision.refer": 5, "referred.once": 2, "referred.again": 3}
    assert people_referred(old) is None
    assert people_referred(new) == (2, 6)
    assert people_referred({name: old.get(name, 0) + new.get(name, 0) for name in {*old, *new}}) is None
    assert people_referred({"transactions": 5, "decision.accept": 5}) == (0, 5)


@given(st.lists(verdicts(), max_size=20))
def test_cells_pass_the_wire_unchanged(batch: list[Verdict]) -> None:
    """What combine encodes, windows decodes to the same cells."""
    tally = Tally(
        schema_version=1,
        source_topic="t",
        source_partition=0,
        position_before=0,
        position_after=1,
        progress_at=1,
        cells=tuple(fold(batch)),
    )
    assert TALLY.decode(TALLY.encode(tally)) == tally


@given(verdicts())
def test_versions_are_segments_whether_or_not_the_policy_names_them(verdict: Verdict) -> None:
    """A new matcher or PAD version is told apart from the old one at once, under any policy."""
    both = msgspec.structs.replace(verdict, device=None, segments=None, matcher_version="7.3", pad_version="2026.1")
    assert segments_of(both, frozenset()) == [(None, None), ("matcher_version", "7.3"), ("pad_version", "2026.1")]
    named = msgspec.structs.replace(both, segments={"pad_version": "x"})
    assert segments_of(named, frozenset({"pad_version"})) == [
        (None, None), ("pad_version", "x"), ("matcher_version", "7.3"),
    ]  # fmt: skip
    cells = {(cell.segment_name, cell.segment_value) for cell in fold([both])}
    assert cells == {(None, None), ("matcher_version", "7.3"), ("pad_version", "2026.1")}


@given(verdicts())
def test_what_upstream_names_precedes_what_the_device_says(verdict: Verdict) -> None:
    """A segment counts once, with upstream's value; names outside of the catalogue are not counted by."""
    both = msgspec.structs.replace(verdict, device=Device(os="ios"), segments={"os": "harmony", "shoe": "42"})
    assert segments_of(both, frozenset(CATALOGUE)) == [(None, None), ("os", "harmony")]
