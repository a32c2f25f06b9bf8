"""Nothing of fewer than k people can be read off what is published, nor computed from it, by anybody."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outputs.core.cells import Counts, Row, Shown, anonymous, shown, summed
from tests.unit.outputs.attacker import Proofs, Rows, learnt, proofs_of, rows_of, strangers

NESTED: Rows = strangers(
    [
        ({"os": "android", "os_version": "android 13"}, (95, 95)),
        ({"os": "android", "os_version": "android 14"}, (5, 12)),
        ({"os": "ios", "os_version": "ios 17"}, (50, 40)),
    ]
)
"""A version is of one system, which everybody knows: what a table hides the other one may tell."""


def by_itself(rows: Rows, k: int) -> dict[str, Shown]:
    """Suppress each segment as if it were published alone: at least two hidden values, of at least k together."""
    found = {}
    for name in sorted({name for each in rows for name in each.segments}):
        of = summed((each.segments.get(name, "-"), each.counts) for each in rows)
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
    assert learnt([proofs_of(NESTED)], [by_itself(NESTED, 10)], 10) == [
        ({"os": "android", "os_version": "android 14"},)
    ]


def test_he_finds_nothing_in_tables_that_do() -> None:
    """The version is left out of what is published; the system stays."""
    tables = shown(NESTED, 10)

    assert tables == {"os": Shown({"android": (100, 107), "ios": (50, 40)}, None)}
    assert learnt([proofs_of(NESTED)], [tables], 10) == []


@pytest.mark.parametrize("seed", range(60))
def test_no_set_of_fewer_than_k_can_be_computed(seed: int) -> None:
    """Nested, crossing and lone segments, missing values, one or two outcomes: every set of combinations is tried."""
    random = Random(seed)
    k, outcomes = random.choice((2, 3, 5)), random.choice((1, 2))
    proofs = _proofs(random, outcomes)
    rows = rows_of(proofs)
    if not anonymous(summed((None, each.people) for each in rows)[None], k):
        return
    tables = shown(rows, k)

    assert learnt([proofs], [tables], k) == []
    for table in tables.values():
        assert all(anonymous(counts, k) for counts in table.values.values())
        assert table.rest is None or anonymous(table.rest, k)


@pytest.mark.parametrize("seed", range(25))
def test_nor_over_two_months_of_the_same_people(seed: int) -> None:
    """Whoever has both publications adds and subtracts them as they like; many proved in both."""
    random = Random(seed)
    months = [_proofs(random, 1, most=5) for _ in range(2)]
    published = [(each, shown(rows_of(each), 3)) for each in months if _enough(each, 3)]
    if not published:
        return
    proofs, tables = zip(*published, strict=True)

    assert learnt(proofs, tables, 3) == []


REGULARS: Proofs = [
    ({"os": "android"}, ([*range(40)], [*range(40)])),
    ({"os": "ios"}, ([*range(40, 80)], [*range(40, 80)])),
    ({"os": "kaios"}, ([99] * 12, [99] * 12)),
]
"""One person on a rare handset, who proves twelve times with each outcome."""


def test_who_proves_often_is_one_person_and_no_crowd() -> None:
    """Counted by transactions the lone one is twelve, and published; by people it is hidden among others."""
    naive = shown([Row(each.segments, each.counts, each.counts) for each in rows_of(REGULARS)], 10)
    assert naive["os"].values["kaios"] == (12, 12)
    assert learnt([REGULARS], [naive], 10) == [({"os": "kaios"},)]

    tables = shown(rows_of(REGULARS), 10)
    assert "kaios" not in tables["os"].values
    assert tables["os"].rest == (52, 52), "hidden together with the smallest other, or it were the whole less the rest"
    assert learnt([REGULARS], [tables], 10) == []


def test_people_who_changed_their_handset_are_counted_once() -> None:
    """Ten people on two handsets are ten, not twenty: the two values have to be one cell."""
    both = [*range(10)]
    proofs: Proofs = [({"os": "a"}, (both,)), ({"os": "b"}, (both,)), ({"os": "c"}, ([*range(10, 30)],))]
    tables = shown(rows_of(proofs), 10)

    assert sum(each.people[0] for each in rows_of(proofs)) == 30
    assert learnt([proofs], [tables], 10) == []
    assert "b" not in tables["os"].values


def test_the_trial_is_worth_something() -> None:
    """Over the same months tables by themselves give away dozens, and ours are not empty."""
    given_away = published = 0
    for seed in range(60):
        random = Random(seed)
        k, outcomes = random.choice((2, 3, 5)), random.choice((1, 2))
        proofs = _proofs(random, outcomes)
        rows = rows_of(proofs)
        given_away += bool(learnt([proofs], [by_itself(rows, k)], k))
        published += bool(shown(rows, k))

    assert given_away >= 10
    assert published >= 20


def _enough(proofs: Proofs, k: int) -> bool:
    return anonymous(summed((None, each.people) for each in rows_of(proofs)).get(None, (0,)), k)


def _proofs(random: Random, outcomes: int, most: int = 10) -> Proofs:
    """Return a month: people come once or often, with one combination or another."""
    found: dict[tuple[tuple[str, str], ...], tuple[list[int], ...]] = {}
    for _ in range(random.randrange(3, most)):
        segments = {"country": random.choice("ab"), "model": random.choice(("m1", "m2", "n1"))}
        segments["os"] = segments["model"][0]  # a model is of one system
        if random.random() < 0.2:
            del segments["country"]
        who = random.choice((range(1), range(30), range(60), range(1000)))
        found[tuple(sorted(segments.items()))] = tuple(
            random.choices(who, k=random.choice((0, 1, 2, 4, 9, 20))) for _ in range(outcomes)
        )
    return [(dict(key), each) for key, each in found.items() if any(each)]


cells = st.tuples(st.integers(0, 40), st.integers(0, 40))


@given(st.dictionaries(st.sampled_from("abcdef"), cells, max_size=6), cells, st.integers(1, 15))
def test_of_one_segment_nothing_small_is_shown_or_left(values: dict[str, Counts], missing: Counts, k: int) -> None:
    """Whoever has the whole and what is shown is left with k and more of each, or with nothing."""
    rows = strangers([({"s": value}, counts) for value, counts in values.items()])
    rows += strangers([({}, missing)]) if any(missing) else []

    for table in shown(rows, k).values():
        assert all(values[value] == counts and anonymous(counts, k) for value, counts in table.values.items())
        hidden = summed((None, each.counts) for each in rows if each.segments.get("s") not in table.values)
        assert table.rest == hidden.get(None)
        assert table.rest is None or anonymous(table.rest, k)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(20, 40), st.integers(20, 40)), min_size=1))
def test_where_every_cell_is_large_all_is_shown(values: dict[str, Counts]) -> None:
    """Nothing is kept back without need."""
    assert shown(strangers([({"s": value}, counts) for value, counts in values.items()]), 20) == {
        "s": Shown(values, None)
    }


def test_one_small_value_takes_the_smallest_other_with_it() -> None:
    """Alone it would be the whole less the others."""
    rows = strangers([({"s": "a"}, (100, 100)), ({"s": "b"}, (50, 60)), ({"s": "c"}, (2, 30))])

    assert shown(rows, 10) == {"s": Shown({"a": (100, 100)}, (52, 90))}


def test_the_order_of_the_rows_changes_nothing() -> None:
    """One month has one publication."""
    assert shown(NESTED, 10) == shown(list(reversed(NESTED)), 10)
