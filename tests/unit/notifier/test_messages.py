"""A message as the event that is kept, published and sent."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.events import codec
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Notification
from services.notifier.core.facts import Fact
from services.notifier.core.messages import notification
from services.notifier.core.routing import target
from services.notifier.core.telling import Message
from tests.unit.notifier.courses import PLAN, fact, ms

TARGET = target(fact(), PLAN, "pager")


def told(**given: Any) -> Notification:
    fields: dict[str, tuple[Fact, ...]] = {"news": (), "standing": (), "ended": (), "flapping": ()} | given
    made = notification(TARGET, Message(7, ms(60), **fields))
    assert codec.NOTIFICATION.decode(codec.NOTIFICATION.encode(made)) == made, "it keeps to its schema"
    return made


def test_a_message_of_one_fact_is_that_fact() -> None:
    """Its words, and whose it is."""
    made = told(news=(fact(),))
    assert (made.title, made.summary) == ("Too many rejections (a)", "Numbers of a.")
    assert (made.source_id, made.source_revision, made.tenant, made.state) == ("a", 1, "acme", "firing")
    assert (made.route, made.channel, made.group_id, made.sequence) == ("soc", "pager", TARGET.group_id, 7)
    assert made.created_at == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def test_its_id_follows_from_group_and_sequence() -> None:
    """Whatever it says: a receiver drops the repeat."""
    one, other = told(news=(fact(),)), told(ended=(fact("b", 9, state="resolved"),))
    assert one.notification_id == other.notification_id == derived_id("notification", TARGET.group_id, 7)


def test_a_message_of_several_is_named_after_the_gravest_and_lists_the_others() -> None:
    """News, what fires still and what ended, each under its own heading."""
    made = told(news=(fact("a"), fact("b")), standing=(fact("c"),), ended=(fact("d", 2, state="resolved"),))
    assert made.title == "Too many rejections (a) (and 2 more) (1 other still fires)"
    assert made.summary == (
        "Numbers of a. Also fires: Too many rejections (b) (b). Still fires: Too many rejections (c) (c). "
        "Has ended: Too many rejections (d) (d)."
    )
    assert made.alerts
    assert [(each.source_id, each.state) for each in made.alerts] == [
        ("a", "firing"),
        ("b", "firing"),
        ("c", "firing"),
        ("d", "resolved"),
    ]
    assert made.alerts_count == 4


def test_a_repeat_says_that_it_fires_still() -> None:
    """Nobody takes it for something new."""
    assert told(standing=(fact(),)).title == "Still: Too many rejections (a)"


def test_what_comes_and_goes_is_said_to() -> None:
    """And when it is told again."""
    made = told(news=(fact(),), flapping=(fact(),))
    assert made.title == "Too many rejections (a) (comes and goes)"
    assert made.summary.startswith("It has come and gone several times within an hour; ")


@pytest.mark.parametrize(("tenants", "expected"), [(("acme", "acme"), "acme"), (("acme", "bank"), None)])
def test_what_several_tenants_are_in_is_of_none(tenants: tuple[str, str], expected: str | None) -> None:
    """Else one would be told to be the other's."""
    made = told(news=tuple(fact(str(each), tenant=tenant) for each, tenant in enumerate(tenants)))
    assert made.tenant == expected


def test_hundreds_are_counted_and_not_listed() -> None:
    """A storm is one message that can be read."""
    made = told(news=tuple(fact(str(each)) for each in range(1_500)))
    assert made.title.endswith("(and 1,499 more)")
    assert made.summary.endswith("; and 1,496 more.")
    assert made.alerts
    assert (len(made.alerts), made.alerts_count) == (20, 1_500)


@given(
    title=st.integers(1, 300).map("t".__mul__),
    summary=st.integers(1, 3_000).map("s".__mul__),
    news=st.integers(0, 30),
    standing=st.integers(0, 30),
    ended=st.integers(1, 30),
)
def test_no_length_breaks_the_limits_of_the_schema(
    title: str, summary: str, news: int, standing: int, ended: int
) -> None:
    """Title and summary are cut, with a sign that they are."""

    def some(count: int, prefix: str) -> tuple[Fact, ...]:
        return tuple(fact(f"{prefix}{each}", title=title, summary=summary) for each in range(count))

    fresh = some(news, "n")
    made = told(news=fresh, standing=some(standing, "s"), ended=some(ended, "e"), flapping=fresh[:1])
    assert made.alerts_count == news + standing + ended
