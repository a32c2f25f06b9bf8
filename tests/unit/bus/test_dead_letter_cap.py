"""The cap on dead letters is about records, wherever batches are cut."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proofwatch.bus.dead_letters.cap import LEAST, WINDOW, Breach, Cap, Tally, rebuild_tally

Stretches = list[tuple[int, bool]]

STRETCHES = st.lists(st.tuples(st.integers(1, 4_000), st.booleans()), max_size=12)
CUTS = st.lists(st.integers(1, 3_000), min_size=1, max_size=8)
RATES = st.sampled_from([0.0, 0.01, 0.1, 0.5])
RUNS = st.sampled_from([0, 1, 7, 1_000])


def spread(stretches: Stretches) -> list[bool]:
    """True stands for a record that is dead-lettered; every bad stretch is a hundredth as long."""
    return [bad for length, bad in stretches for _ in range(max(1, length // 100) if bad else length)]


def fold(bad: Sequence[bool], cap: Cap, cuts: Sequence[int], tally: Tally | None = None) -> Tally | Breach:
    """Take the records in batches of the sizes `cuts`, over and over."""
    after: Tally | Breach = tally or Tally()
    at = turn = 0
    while at < len(bad) and isinstance(after, Tally):
        batch = bad[at : at + cuts[turn % len(cuts)]]
        after = cap.add(after, len(batch), [(index, "malformed") for index, dead in enumerate(batch) if dead])
        at, turn = at + len(batch), turn + 1
    return after


def first_breach(bad: Sequence[bool], cap: Cap) -> int | None:
    """The definition, record by record."""
    run = within = 0
    for ordinal, dead in enumerate(bad):
        run = run + 1 if dead else 0
        within += dead - (ordinal >= WINDOW and bad[ordinal - WINDOW])
        seen = ordinal + 1
        if cap.run and run >= cap.run:
            return ordinal
        if cap.rate and seen >= LEAST and within > cap.rate * min(seen, WINDOW):
            return ordinal
    return None


@given(STRETCHES, CUTS, RATES, RUNS)
@example([(989, False), (1_100, True)], [500], 0.01, 0)  # the eleventh of the first 1,000 is the last of them
@example([(1_100, True), (989, False)], [500], 0.01, 0)  # the first 1,000 end with a good record
def test_any_cut_into_batches_halts_at_the_same_record(
    stretches: Stretches, cuts: list[int], rate: float, run: int
) -> None:
    """It is the record at which the definition, applied one by one, is first broken."""
    bad, cap = spread(stretches), Cap(rate, run)
    found = fold(bad, cap, cuts)
    assert (found.ordinal if isinstance(found, Breach) else None) == first_breach(bad, cap)


def test_a_thousand_in_a_row_halt_and_a_good_record_among_them_begins_anew() -> None:
    """999 in a row pass; the number and the reason are named."""
    cap = Cap(0.0, 1_000)
    assert isinstance(fold([True] * 999 + [False] + [True] * 999, cap, [250]), Tally)
    assert fold([True] * 1_000, cap, [250]) == Breach("run", 999, 1_000, 1_000, "malformed")


def test_one_in_a_hundred_passes_and_one_more_does_not() -> None:
    """Over the last 10,000 records: 100 dead letters are 1 %, 101 are more."""
    cap = Cap(0.01, 0)
    one = [False] * 99 + [True]
    assert isinstance(fold(one * 400, cap, [2_000]), Tally)
    assert fold([*one * 100, True], cap, [2_000]) == Breach("rate", 10_000, 101, 10_000, "malformed")
    assert isinstance(fold([*one * 100, *[False] * 99, True], cap, [2_000]), Tally), "the oldest has left the window"


def test_nothing_is_said_of_a_share_before_a_thousand_records() -> None:
    """A file of 999 bad rows passes the rate cap; the next record decides."""
    assert isinstance(fold([True] * 999, Cap(0.01, 0), [100]), Tally)
    assert fold([True] * 999 + [False], Cap(0.01, 0), [100]) == Breach("rate", 999, 999, 1_000, "malformed")


def test_caps_of_zero_never_halt() -> None:
    """Each is off on its own."""
    assert isinstance(fold([True] * 20_000, Cap(0.0, 0), [2_000]), Tally)
    found = fold([True] * 20_000, Cap(0.5, 0), [2_000])
    assert isinstance(found, Breach)
    assert found.kind == "rate"


def test_the_most_frequent_reason_leads() -> None:
    """An operator reads first what is wrong with most of them."""
    refused = [(0, "key_mismatch"), *((index, "malformed") for index in range(1, 5))]
    found = Cap(0.0, 5).add(Tally(), 10, refused)
    assert isinstance(found, Breach)
    assert found.reason == "malformed"


def test_the_tally_does_not_grow() -> None:
    """What has left the window is forgotten."""
    found = fold(([True] + [False] * 99) * 1_000, Cap(0.02, 0), [2_000])
    assert isinstance(found, Tally)
    assert len(found.dead) == 100


@pytest.mark.parametrize(
    ("position", "offsets", "run"),
    [
        (800, range(800), 800),  # a batch of dead letters was committed, then the process ended
        (5_000, range(3_000, 5_000), 999),  # never at the cap: the next record decides
        (800, range(799), 0),  # the last record was good
        (800, [*range(700), *range(701, 800)], 799),  # a marker, or one good record, between two transactions
        (800, [*range(700), *range(702, 800)], 98),
        (800, [], 0),
    ],
)
def test_a_restart_goes_on_with_the_run_before_it(position: int, offsets: Sequence[int], run: int) -> None:
    """A crash loop cannot drain a topic in pieces of 999."""
    cap = Cap(0.0, 1_000)
    tally = rebuild_tally(position, [(offset, "malformed") for offset in offsets], cap)
    assert tally.run == run
    good = cap.add(tally, 1, [])
    assert isinstance(good, Tally)
    assert good.run == 0


@given(STRETCHES, CUTS, st.integers(0, 12_000))
def test_after_a_restart_the_decision_is_the_same(stretches: Stretches, cuts: list[int], at: int) -> None:
    """With offsets that have no holes, what is rebuild_tally from the dead letters stands for what was known."""
    bad, cap = spread(stretches), Cap(0.01, 1_000)
    at = min(at, len(bad))
    before = fold(bad[:at], cap, cuts)
    if isinstance(before, Breach):
        return
    tally = rebuild_tally(at, [(offset, "malformed") for offset, dead in enumerate(bad) if dead], cap)
    expected, found = fold(bad[at:], cap, cuts, before), fold(bad[at:], cap, cuts, tally)
    assert isinstance(expected, Breach) == isinstance(found, Breach)
    if isinstance(expected, Breach) and isinstance(found, Breach):
        assert (found.kind, found.dead, found.of) == (expected.kind, expected.dead, expected.of)
