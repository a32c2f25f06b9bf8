"""What decides beside a group."""

from collections.abc import Mapping

import pytest

from services.notifier.core.around import Around, Fired, Inhibition, Limit, Silence
from services.notifier.core.groups import Acknowledged
from services.notifier.core.matchers import matcher
from tests.unit.notifier.courses import fact, ms, silence

LABELS = fact("lag", labels={"service": "scorer"}).labels


@pytest.mark.parametrize(("at_s", "expected"), [(9, False), (10, True), (19, True), (20, False)])
def test_a_silence_holds_from_its_beginning_until_before_its_end(at_s: int, expected: bool) -> None:
    """For what has the labels that it names, all of them."""
    assert silence(10, 20, "kind=lag", "tenant=acme").covers(LABELS, ms(at_s)) == expected
    assert not silence(10, 20, "kind=lag", "tenant=bank").covers(LABELS, ms(at_s))


def test_a_silence_without_conditions_covers_nothing() -> None:
    """Nobody silences everything by leaving something out."""
    assert not Silence("all", (), ms(0), ms(100)).covers(LABELS, ms(50))


def test_of_several_silences_the_one_that_holds_longest_is_named() -> None:
    """Whoever asks why sees when it will be told."""
    around = Around([silence(0, 50, name="short"), silence(0, 90, name="long"), silence(60, 99, name="later")])
    found = around.silenced_by(LABELS, ms(10))
    assert found
    assert found.silence_id == "long"
    assert around.silenced_by(LABELS, ms(99)) is None


DOWN = Inhibition((matcher("kind=down"),), (matcher("kind=~lag|down"),), ("tenant", "service"))


def fired(alert: str = "cause", since_s: float = 0, until_s: float | None = None, **labels: str) -> Fired:
    own = {"kind": "down", "tenant": "acme", "service": "scorer"} | labels
    return Fired(alert, own, ms(since_s), None if until_s is None else ms(until_s))


def inhibited(inhibition: Inhibition, labels: Mapping[str, str], *sources: Fired) -> str | None:
    return Around(inhibitions=[inhibition], fired=sources).inhibited_by("self", labels, ms(50))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (fired(), "cause"),
        (fired(tenant="bank"), None),
        (fired(service=""), None),
        (fired(kind="gap"), None),
        (fired("self"), None),
        (fired(since_s=51), None),
        (fired(since_s=50), "cause"),
        (fired(until_s=51), "cause"),
        (fired(until_s=50), None),
    ],
)
def test_a_source_inhibits_what_equals_it_while_it_fires(source: Fired, expected: str | None) -> None:
    """In the labels that are named; nothing inhibits itself."""
    assert inhibited(DOWN, LABELS, source) == expected


def test_a_label_that_neither_has_is_equal() -> None:
    """As in Alertmanager: both are the empty text."""
    labels = {"kind": "lag", "tenant": "acme"}
    assert inhibited(DOWN, labels, fired(service="")) == "cause"
    assert inhibited(DOWN, labels, fired()) is None


def test_what_matches_both_sides_is_not_inhibited_by_its_like() -> None:
    """Two of a kind would silence each other; what matches the source's side alone inhibits it all the same."""
    both = {"kind": "down", "tenant": "acme", "service": "scorer"}
    assert inhibited(DOWN, both, fired()) is None
    wider = Inhibition((matcher("kind=~down|gone"),), (matcher("kind=~lag|down"),), ("tenant",))
    assert inhibited(wider, both, fired(kind="gone")) == "cause"


@pytest.mark.parametrize(
    ("told_s", "expected_s"),
    [((), 100), ((95,), 100), ((41, 95), 101), ((40, 95), 100), ((50, 60, 95), 120), ((95, 101), 100)],
)
def test_a_channel_takes_so_many_within_a_time(told_s: tuple[int, ...], expected_s: int) -> None:
    """Two in a minute; what is beyond the limit, for it ended, counts, and what is sent later does not."""
    assert Limit(2, 60_000).free_ms([ms(each) for each in told_s], ms(100)) == ms(expected_s)


def test_the_acknowledgement_that_goes_furthest_by_now_counts() -> None:
    """Not one of the future, and not a late one of an older message."""
    around = Around(acknowledged=[Acknowledged("kim", 2, 10), Acknowledged("lee", 1, 20), Acknowledged("max", 3, 30)])
    assert around.acknowledgement(9) is None
    assert around.acknowledgement(25) == Acknowledged("kim", 2, 10)
    assert around.acknowledgement(30) == Acknowledged("max", 3, 30)
