"""Nothing of fewer than k can be read off what is published, nor computed from it, by anybody."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outputs.core.cells import Counts, Segments, Shown, anonymous, shown, summed
from tests.unit.outputs.attacker import Rows, learnt

NESTED: Rows = [
    ({"os": "android", "os_version": "android 13"}, (95, 95)),
    ({"os": "android", "os_version": "android 14"}, (5, 12)),
    ({"os": "ios", "os_version": "ios 17"}, (50, 40)),
]
"""A version is of one system, which everybody knows: what a table hides the other one may tell."""


def by_itself(rows: Rows, k: int) -> dict[str, Shown]:
    """Suppress each segment as if it were published alone: at least two hidden values, of at least k together."""
    found = {}
    for name in sorted({name for segments, _ in rows for name in segments}):
        of = summed((segments.get(name, "-"), counts) for segments, counts in rows)
        kept = sorted((value for value in of if anonymous(of[value], k)), key=lambda value: sum(of[value]))
        while kept and len(kept) < len(of):
            hidden = summed((None, of[value]) for value in of if value not in kept)[None]
            if len(of) - len(kept) >= 2 and anonymous(hidden, k):
                break
            del kept[0]
        rest = summed((None, of[value]) for value in of if value not in kept).get(None)
        found[name] = Shown({str(value): of[value] for value in kept}, rest)
    return found


def test_the_attacker_finds_what_tables_that_do_not_know_of_each_other_give_away() -> None:
    """The control: all of ios is ios 17, so the rest of the versions less ios is the five on android 14."""
    assert learnt(NESTED, by_itself(NESTED, 10), 10) == [({"os": "android", "os_version": "android 14"},)]


def test_he_finds_nothing_in_tables_that_do() -> None:
    """The version is left out of what is published; the system stays."""
    tables = shown(NESTED, 10)

    assert tables == {"os": Shown({"android": (100, 107), "ios": (50, 40)}, None)}
    assert learnt(NESTED, tables, 10) == []


@pytest.mark.parametrize("seed", range(60))
def test_no_set_of_fewer_than_k_can_be_computed(seed: int) -> None:
    """Nested, crossing and lone segments, missing values, one or two outcomes: every set of combinations is tried."""
    random = Random(seed)
    k, outcomes = random.choice((2, 3, 5)), random.choice((1, 2))
    rows = _month(random, outcomes)
    if not anonymous(summed((None, counts) for _, counts in rows)[None], k):
        return
    tables = shown(rows, k)

    assert learnt(rows, tables, k) == []
    for table in tables.values():
        assert all(anonymous(counts, k) for counts in table.values.values())
        assert table.rest is None or anonymous(table.rest, k)


def test_the_trial_is_worth_something() -> None:
    """Over the same months tables by themselves give away dozens, and ours are not empty."""
    given_away = published = 0
    for seed in range(60):
        random = Random(seed)
        k, outcomes = random.choice((2, 3, 5)), random.choice((1, 2))
        rows = _month(random, outcomes)
        given_away += bool(learnt(rows, by_itself(rows, k), k))
        published += bool(shown(rows, k))

    assert given_away >= 10
    assert published >= 20


def _month(random: Random, outcomes: int) -> Rows:
    found: dict[tuple[tuple[str, str], ...], Counts] = {}
    for _ in range(random.randrange(3, 10)):
        segments = {"country": random.choice("ab"), "model": random.choice(("m1", "m2", "n1"))}
        segments["os"] = segments["model"][0]  # a model is of one system
        if random.random() < 0.2:
            del segments["country"]
        found[tuple(sorted(segments.items()))] = tuple(random.choice((0, 1, 2, 4, 9, 20)) for _ in range(outcomes))
    return [(dict(key), counts) for key, counts in found.items() if any(counts)]


cells = st.tuples(st.integers(0, 40), st.integers(0, 40))


@given(st.dictionaries(st.sampled_from("abcdef"), cells, max_size=6), cells, st.integers(1, 15))
def test_of_one_segment_nothing_small_is_shown_or_left(values: dict[str, Counts], missing: Counts, k: int) -> None:
    """Whoever has the whole and what is shown is left with k and more of each, or with nothing."""
    rows: list[tuple[Segments, Counts]] = [({"s": value}, counts) for value, counts in values.items()]
    rows += [({}, missing)] if any(missing) else []

    for table in shown(rows, k).values():
        assert all(values[value] == counts and anonymous(counts, k) for value, counts in table.values.items())
        hidden = summed((None, counts) for segments, counts in rows if segments.get("s") not in table.values)
        assert table.rest == hidden.get(None)
        assert table.rest is None or anonymous(table.rest, k)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(20, 40), st.integers(20, 40)), min_size=1))
def test_where_every_cell_is_large_all_is_shown(values: dict[str, Counts]) -> None:
    """Nothing is kept back without need."""
    assert shown([({"s": value}, counts) for value, counts in values.items()], 20) == {"s": Shown(values, None)}


def test_one_small_value_takes_the_smallest_other_with_it() -> None:
    """Alone it would be the whole less the others."""
    rows: Rows = [({"s": "a"}, (100, 100)), ({"s": "b"}, (50, 60)), ({"s": "c"}, (2, 30))]

    assert shown(rows, 10) == {"s": Shown({"a": (100, 100)}, (52, 90))}


def test_the_order_of_the_rows_changes_nothing() -> None:
    """One month has one publication."""
    assert shown(NESTED, 10) == shown(list(reversed(NESTED)), 10)
