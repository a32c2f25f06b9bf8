"""`proofwatch baseline rebase`: what it asks for, and what it refuses."""

import argparse

import pytest

from services.aggregator.queries.arguments import Segment
from services.aggregator.queries.baseline import add_arguments, rebase_of, said
from services.aggregator.queries.found import NothingFound

NOW_MS = 1_769_000_123_000
FIVE_MS = 300_000


def asked(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["rebase", "--tenant", "acme", "--by", "A. Rao", "--reason", "asks twice", *more])


def test_it_takes_effect_later_than_any_window_that_can_have_closed() -> None:
    """With a five-minute window that begins ten minutes from now: nobody has counted it yet."""
    rebase = rebase_of(asked("--metric", "rejection_rate", "--segment", "os=ios"), NOW_MS)
    assert rebase[:4] == ("acme", "os", "ios", "rejection_rate")
    assert rebase.effective_ms % FIVE_MS == 0
    assert 0 <= rebase.effective_ms - (NOW_MS + 600_000) < FIVE_MS
    assert rebase.from_ms == NOW_MS
    assert (rebase.by, rebase.reason) == ("A. Rao", "asks twice")
    assert said(rebase).startswith("rejection_rate of os=ios of acme begins anew")
    assert "A. Rao: asks twice" in said(rebase)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--by", " "), "must say who and why"),
        (("--reason", ""), "must say who and why"),
        (("--since", "2099-01-01"), "still to come"),
        (("--segment", "os"), "--segment os needs a value"),
    ],
)
def test_what_it_refuses(more: tuple[str, ...], says: str) -> None:
    """In words that say what would be right."""
    with pytest.raises(NothingFound, match=says):
        rebase_of(asked(*more), NOW_MS)


def test_segments_are_typed_as_elsewhere() -> None:
    """Name and value."""
    assert asked("--segment", "sdk_version=5.2.0").segment == Segment("sdk_version", "5.2.0")
