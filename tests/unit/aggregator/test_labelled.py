"""The join of verdicts and labels, and the deltas of its cells: any order, any repetition, the same counts."""

from collections import Counter
from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.edges import edge_set
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.entries import NO_SCORE, Assertion, Entry, Key, Trial, fold
from services.aggregator.core.labelled import DAY_US, Cell, Deltas, WindowKey

SEGMENTS = ("{}", '{"sex":"female"}', '{"os":"ios","sex":"male"}')
OUTCOMES = (("pass", 0.9), ("marginal", 0.85), ("fail", 0.1), ("missing", NO_SCORE), ("not_requested", NO_SCORE))


def trial(
    logged_ms: int = 0,
    day: int = 0,
    match: tuple[str, float] = OUTCOMES[0],
    liveness: tuple[str, float] = OUTCOMES[0],
    segments: str = "{}",
    decision: str = "accept",
) -> Trial:
    return Trial(
        logged_ms, day * DAY_US, "p" * 32, decision, match[0], liveness[0], match[1], liveness[1], 0.85, 0.5, segments
    )


def label(trial_class: str, authority: int = 1, asserted_us: int = 0, label_id: str = "l") -> Assertion:
    return Assertion(authority, asserted_us, label_id, trial_class, 1.0)


trials = st.builds(
    trial,
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(OUTCOMES),
    st.sampled_from(OUTCOMES),
    st.sampled_from(SEGMENTS),
    st.sampled_from(["accept", "retry", "refer"]),
)
pairs = st.builds(label, st.sampled_from(["genuine", "impostor"]), st.integers(0, 1), st.integers(0, 1))
presentations = st.builds(
    label,
    st.sampled_from(["bona_fide", "attack:mask", "attack:unknown", "injection:api"]),
    st.integers(0, 1),
    st.integers(0, 1),
)
entries = st.one_of(
    trials.map(Entry),
    st.tuples(st.none() | pairs, st.none() | presentations).map(lambda two: Entry(None, *two)),
)
keys = st.tuples(st.sampled_from(["bank", "telco"]), st.sampled_from(["t1", "t2", "t3"]))
histories = st.lists(st.tuples(keys, entries), max_size=20)


class Ledger:
    """The store without its database: applies batches as the stage does."""

    def __init__(self) -> None:
        self.entries: dict[Key, Entry] = {}
        self.cells: Counter[tuple[WindowKey, Cell]] = Counter()
        self.requested: dict[WindowKey, tuple[int, int]] = {}

    def take(self, batch: list[tuple[Key, Entry]]) -> Deltas:
        deltas = Deltas(days_of=utc_days)
        for key, entry in fold(batch).items():
            old = self.entries.get(key, Entry())
            self.entries[key] = old.join(entry)
            deltas.change(key[0], old, self.entries[key])
        deltas.settle()
        for cell, n in deltas.cells.items():
            assert n
            self.cells[cell] += n
        for window, (match, liveness) in deltas.requested.items():
            before = self.requested.get(window, (0, 0))
            self.requested[window] = (before[0] + match, before[1] + liveness)
        return deltas


def direct(history: list[tuple[Key, Entry]]) -> tuple[Counter[tuple[WindowKey, Cell]], dict[WindowKey, list[int]]]:
    """Count by looking at everything at once, the plain way."""
    cells: Counter[tuple[WindowKey, Cell]] = Counter()
    requested: dict[WindowKey, list[int]] = {}
    for key in {key for key, _ in history}:
        known = [entry for other, entry in history if other == key]
        verdicts = sorted(entry.trial for entry in known if entry.trial)
        if not verdicts:
            continue
        chosen = verdicts[0]
        found = []
        for assertions, outcome, score, threshold in (
            ([e.pair for e in known if e.pair], chosen.match_outcome, chosen.match_score, 0.85),
            ([e.presentation for e in known if e.presentation], chosen.liveness_outcome, chosen.liveness_score, 0.5),
        ):
            if assertions and outcome != "not_requested":
                trial_class = sorted(assertions)[-1].trial_class
                edges = edge_set([threshold])
                where = ("", 0) if outcome == "missing" else (edges.edge_set_id, edges.bin_of(score))
                name = {"pass": "passed", "marginal": "passed", "fail": "failed", "missing": "missing"}[outcome]
                found.append(Cell(chosen.policy_hash, trial_class, name, *where))
        if found:
            found.append(Cell(chosen.policy_hash, "transactions", "", "", 0))
        presented = sorted(e.presentation for e in known if e.presentation)
        judged = "not_requested" not in (chosen.match_outcome, chosen.liveness_outcome)
        if judged and presented and presented[-1].trial_class != "bona_fide":
            by_system = "passed" if chosen.decision == "accept" else "failed"
            found.append(Cell(chosen.policy_hash, f"system:{presented[-1].trial_class}", by_system, "", 0))
        day = chosen.occurred_us // DAY_US
        segments = {"{}": [], SEGMENTS[1]: [("sex", "female")], SEGMENTS[2]: [("os", "ios"), ("sex", "male")]}
        for name, value in [("", ""), *segments[chosen.segments]]:
            window = WindowKey(day, key[0], name, value)
            counts = requested.setdefault(window, [0, 0])
            counts[0] += chosen.match_outcome != "not_requested"
            counts[1] += chosen.liveness_outcome != "not_requested"
            cells.update((window, cell) for cell in found)
    return cells, requested


@given(histories, st.lists(st.integers(0, 20), max_size=4), st.randoms(use_true_random=False))
def test_any_interleaving_and_repetition_counts_the_same(history, cuts, random):  # type: ignore[no-untyped-def]  # hypothesis gives them
    """However verdicts and labels are shuffled, repeated and cut into batches, the cells equal direct counting."""
    log = history + random.choices(history, k=len(history) // 2) if history else []
    random.shuffle(log)
    ledger = Ledger()
    bounds = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    for start, end in pairwise(bounds):
        ledger.take(log[start:end])
    cells, requested = direct(history)
    assert +ledger.cells == cells
    assert -ledger.cells == Counter()
    assert {w: list(n) for w, n in ledger.requested.items() if any(n)} == {w: n for w, n in requested.items() if any(n)}


@given(entries, entries, entries)
def test_joining_entries_is_commutative_associative_and_idempotent(one: Entry, two: Entry, three: Entry) -> None:
    """The laws that make arrival irrelevant."""
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three))
    assert one.join(one) == one


def test_higher_authority_beats_later_beats_greater_label_id() -> None:
    """The winning label is by (authority, asserted_at, label_id), never by arrival."""
    ranked = [
        label(trial_class, authority, asserted, name)
        for (authority, asserted, name), trial_class in zip(
            product((1, 2), (10, 20), ("a", "b")), ["genuine", "impostor"] * 4, strict=True
        )
    ]
    for weaker, stronger in pairwise(ranked):
        assert Entry(pair=weaker).join(Entry(pair=stronger)).pair == stronger
        assert Entry(pair=stronger).join(Entry(pair=weaker)).pair == stronger


def test_a_label_that_says_nothing_on_an_aspect_does_not_win_it() -> None:
    """A later presentation-only label leaves the pair as it was asserted."""
    pair, presentation = label("genuine", 1), label("attack:mask", 9)
    assert Entry(pair=pair).join(Entry(presentation=presentation)) == Entry(None, pair, presentation)


def test_the_verdict_that_was_logged_first_counts() -> None:
    """A duplicate beyond the scorer's horizon changes nothing, in whatever order the two are read."""
    first, again = trial(logged_ms=1, match=("fail", 0.1)), trial(logged_ms=2, day=1)
    assert Entry(first).join(Entry(again)).trial == first
    assert Entry(again).join(Entry(first)).trial == first


def test_an_overruled_label_moves_exactly_one_trial() -> None:
    """A flip from bona fide to attack is -1 and +1 in the whole tenant and in each segment value, nothing else."""
    ledger = Ledger()
    key = ("bank", "t1")
    ledger.take([(key, Entry(trial(segments=SEGMENTS[1]))), (key, Entry(presentation=label("bona_fide")))])
    deltas = ledger.take([(key, Entry(presentation=label("attack:mask", authority=2)))])
    moved = {(window.segment_value, cell.trial_class): n for (window, cell), n in deltas.cells.items()}
    assert moved == {
        ("", "bona_fide"): -1,
        ("", "attack:mask"): 1,
        ("", "system:attack:mask"): 1,
        ("female", "bona_fide"): -1,
        ("female", "attack:mask"): 1,
        ("female", "system:attack:mask"): 1,
    }
    assert not deltas.requested


def test_the_whole_system_accepted_what_it_decided_to_accept() -> None:
    """A retry is no acceptance, though both checks passed; without a comparison it was not the whole system."""
    deltas = Deltas(days_of=utc_days)
    for decision, match in (
        ("accept", OUTCOMES[0]),
        ("retry", OUTCOMES[0]),
        ("refer", OUTCOMES[0]),
        ("accept", OUTCOMES[4]),
    ):
        one = Entry(trial(decision=decision, match=match), presentation=label("injection:api"))
        deltas.change("bank", Entry(), one)
    deltas.settle()
    found = {cell.outcome: n for (_, cell), n in deltas.cells.items() if cell.trial_class.startswith("system:")}
    assert found == {"passed": 1, "failed": 2}


def test_a_threshold_in_force_is_an_edge_of_its_sketch() -> None:
    """Scores just below and at the threshold fall into different bins, so no bin mixes outcomes."""
    deltas = Deltas(days_of=utc_days)
    for tid, score, outcome in (("t1", 0.85, "pass"), ("t2", 0.8499999999, "fail")):
        deltas.change(tid, Entry(), Entry(trial(match=(outcome, score)), label("genuine")))
    deltas.settle()
    bins = {cell.outcome: cell.bin for _, cell in deltas.cells if cell.trial_class == "genuine"}
    assert bins["passed"] == bins["failed"] + 1
    assert [edges.thresholds for edges in deltas.grids.values()] == [(0.85,)]


def test_further_thresholds_become_edges_too() -> None:
    """An evaluation that reads curves at given points gets them as edges of every score sketch."""
    deltas = Deltas(thresholds=[0.3, 0.7], days_of=utc_days)
    deltas.change("bank", Entry(), Entry(trial(), label("genuine")))
    assert [edges.thresholds for edges in deltas.grids.values()] == [(0.3, 0.7, 0.85)]
