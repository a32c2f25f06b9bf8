"""One group from its first fact on: who is told what, when, and why not."""

from dataclasses import replace

import pytest

from services.notifier.core.around import Around, Fired, Inhibition, Limit
from services.notifier.core.groups import Group
from services.notifier.core.intervals import Interval
from services.notifier.core.matchers import matcher
from services.notifier.core.routes import Escalate
from tests.unit.notifier.courses import HOUR, MINUTE, PLAN, Story, ms, silence

ESCALATING = PLAN._replace(escalate=Escalate(after="15m", channels=("boss",)))


# group_wait, group_interval, repeat_interval


def test_what_comes_within_the_wait_is_one_message() -> None:
    """The first of a group waits for others of its kind."""
    story = Story()
    story.comes(0, "a")
    story.comes(29, "b", severity="critical")
    assert story.until(29) == []
    assert story.until(HOUR / 2) == [(30, "+b +a")]
    assert (story.reasons("b"), story.reasons("a")) == (["sent"], ["grouped"])
    assert [each.sequence for each in story.messages] == [1]


def test_further_news_wait_for_the_interval() -> None:
    """A group that has just told something is not heard again before its interval is over."""
    story = Story()
    story.comes(0, "a")
    story.comes(31, "b")
    story.comes(329, "c")
    assert story.until(HOUR / 2) == [(30, "+a"), (330, "+b +c =a")]


def test_a_group_that_was_quiet_waits_for_more_of_the_kind_again() -> None:
    """After its interval a further fact waits the wait, as a first one does."""
    story = Story()
    story.comes(0, "a")
    story.comes(1_000, "b")
    assert story.until(HOUR / 2) == [(30, "+a"), (1_030, "+b =a")]


def test_what_still_fires_is_repeated_after_the_repeat_interval() -> None:
    """Counted from the last message, whatever it told."""
    story = Story()
    story.comes(0, "a")
    story.comes(1_000, "b")
    story.ends(1_000 + HOUR, "a")
    told = [(30, "+a"), (1_030, "+b =a"), (1_030 + HOUR, "=b -a"), (1_030 + 2 * HOUR, "=b")]
    assert story.until(3 * HOUR) == told


def test_nothing_is_repeated_where_the_repeat_interval_is_nought() -> None:
    """Once is enough, the file says."""
    story = Story(PLAN._replace(repeat_ms=0))
    story.comes(0)
    assert story.until(100 * HOUR) == [(30, "+a")]


def test_a_repeat_does_not_come_before_the_interval() -> None:
    """Also where the file has a repeat that is shorter."""
    story = Story(PLAN._replace(repeat_ms=60_000))
    story.comes(0)
    assert story.until(700) == [(30, "+a"), (330, "=a"), (630, "=a")]


def test_the_end_of_what_was_told_is_told_and_then_nothing_more() -> None:
    """A group without anything that fires is quiet."""
    story = Story()
    story.comes(0)
    story.ends(600)
    assert story.until(10 * HOUR) == [(30, "+a"), (630, "-a")]
    assert story.group.due_ms is None
    assert story.reasons(revision=2) == ["sent"]


def test_a_new_revision_of_what_fires_is_news() -> None:
    """It rose; each revision that comes here is one that matters."""
    story = Story()
    story.comes(0)
    story.comes(600, revision=2, severity="critical")
    assert story.until(900) == [(30, "+a"), (630, "+a")]


# overtaken


def test_what_was_over_before_anybody_was_told_is_not_told() -> None:
    """Neither that it fired nor that it ended."""
    story = Story()
    story.comes(0)
    story.ends(10)
    assert story.until(HOUR) == []
    assert (story.reasons(), story.reasons(revision=2)) == (["overtaken"], ["overtaken"])


def test_an_end_that_comes_before_its_beginning_tells_neither() -> None:
    """The older revision comes late, and changes nothing."""
    story = Story()
    story.ends(0)
    story.comes(600)
    assert story.until(HOUR) == []
    assert (story.reasons(), story.reasons(revision=2)) == (["overtaken"], ["overtaken"])


def test_older_revisions_and_repeats_change_nothing() -> None:
    """Only what is newer than what is known does."""
    story = Story()
    story.comes(0, revision=3)
    story.comes(40, revision=3)
    story.comes(50, revision=2, severity="critical")
    assert story.until(HOUR / 2) == [(30, "+a")]
    assert (story.reasons(revision=3), story.reasons(revision=2)) == (["sent"], ["overtaken"])


def test_every_revision_that_was_passed_over_has_its_reason() -> None:
    """Also an end that was over before the look, and one of what people know to be over."""
    story = Story()
    story.comes(0)
    story.until(31)
    story.ends(40)
    story.comes(50, revision=3)
    story.ends(60, revision=4)
    assert story.until(400) == [(330, "-a")]
    story.ends(500, revision=5)
    assert story.until(1_000) == []
    decided = [story.reasons(revision=each) for each in range(1, 6)]
    assert decided == [["sent"], ["overtaken"], ["overtaken"], ["sent"], ["overtaken"]]


# silences


def test_what_fired_under_a_silence_is_told_after_it_while_it_fires() -> None:
    """Nobody has to remember what was silenced."""
    story = Story(beside=Around(silences=[silence(0, 1_000)]))
    story.comes(0, "a")
    story.comes(0, "b")
    story.ends(600, "b")
    assert story.until(HOUR / 2) == [(1_000, "+a")]
    assert (story.reasons("a"), story.reasons("b")) == (["silenced", "sent"], ["silenced", "overtaken"])
    assert story.decisions[0].by == "quiet"


def test_what_was_told_is_told_to_be_over_through_a_silence() -> None:
    """And is not repeated within it."""
    story = Story(beside=Around(silences=[silence(100, 10 * HOUR)]))
    story.comes(0)
    assert story.until(3 * HOUR) == [(30, "+a")]
    story.ends(3 * HOUR)
    assert story.until(4 * HOUR) == [(3 * HOUR + 30, "-a")]


def test_a_silence_that_is_ended_early_holds_no_longer_than_an_interval_more() -> None:
    """Its planned end is not waited for."""
    story = Story(beside=Around(silences=[silence(0, 100 * HOUR)]))
    story.comes(0)
    assert story.until(HOUR) == []
    story.beside = Around(silences=[silence(0, HOUR)])
    ((at_s, what),) = story.until(2 * HOUR)
    assert what == "+a"
    assert at_s <= HOUR + 300


def test_the_end_of_a_silence_does_not_cut_the_interval() -> None:
    """The group has told something of others just before."""
    story = Story(beside=Around(silences=[silence(0, 50, "kind=a")]))
    story.comes(0, "a")
    story.comes(0, "b")
    assert story.until(HOUR / 2) == [(30, "+b"), (330, "+a =b")]


# inhibition

CAUSE = Inhibition((matcher("kind=down"),), (matcher("kind!=down"),), ("tenant",))


def fired(since_s: float, until_s: float | None = None, **labels: str) -> Fired:
    until_ms = None if until_s is None else ms(until_s)
    return Fired("incident/cause", {"kind": "down", "tenant": "acme", **labels}, ms(since_s), until_ms)


def test_what_is_caused_by_what_fires_is_not_told_before_that_ends() -> None:
    """And is then, if it still fires."""
    story = Story(beside=Around(inhibitions=[CAUSE], fired=[fired(0, 1_000)]))
    story.comes(0)
    ((at_s, what),) = story.until(HOUR / 2)
    assert what == "+a"
    assert 1_000 <= at_s <= 1_300
    assert story.reasons() == ["inhibited", "sent"]
    assert story.decisions[0].by == "incident/cause"


def test_what_was_told_is_told_to_be_over_through_an_inhibition() -> None:
    """The cause came later."""
    story = Story(beside=Around(inhibitions=[CAUSE], fired=[fired(100)]))
    story.comes(0)
    story.ends(2 * HOUR)
    assert story.until(3 * HOUR) == [(30, "+a"), (2 * HOUR + 30, "-a")]


# mute and active times


def test_what_fires_in_mute_times_is_told_after_them() -> None:
    """Within an interval; ends pass."""
    night = Interval.model_validate({"from": "00:00", "to": "06:00"})
    story = Story(PLAN._replace(mute=(night,)))
    story.comes(0, "a")
    story.comes(0, "b")
    story.ends(HOUR, "b")
    ((at_s, what),) = story.until(7 * HOUR)
    assert what == "+a"
    assert 6 * HOUR <= at_s <= 6 * HOUR + 300
    assert (story.reasons("a"), story.reasons("b")) == (["muted", "sent"], ["muted", "overtaken"])
    story.ends(24 * HOUR, "a")
    assert story.until(25 * HOUR)[-1] == (24 * HOUR + 30, "-a")


# acknowledgement


def test_what_somebody_acknowledged_is_not_repeated_but_ended() -> None:
    """People know who takes care."""
    story = Story()
    story.comes(0)
    story.acknowledge(60, 1)
    story.ends(5 * HOUR)
    assert story.until(6 * HOUR) == [(30, "+a"), (5 * HOUR + 30, "-a")]


def test_graver_news_break_an_acknowledgement_and_equal_ones_do_not() -> None:
    """It was taken care of as what it was."""
    story = Story()
    story.comes(0)
    story.acknowledge(60, 1)
    story.comes(600, revision=2)
    story.comes(1_200, revision=3, severity="critical")
    assert story.until(HOUR / 2) == [(30, "+a"), (1_230, "+a")]
    assert story.reasons(revision=2) == ["acknowledged", "overtaken"]
    assert story.decisions[1].by == "kim"


def test_a_later_fact_of_the_group_is_not_covered() -> None:
    """It is repeated, without what somebody takes care of."""
    story = Story()
    story.comes(0, "a")
    story.acknowledge(60, 1)
    story.comes(600, "b")
    assert story.until(2 * HOUR) == [(30, "+a"), (630, "+b"), (630 + HOUR, "=b")]


def test_an_acknowledgement_of_an_older_message_takes_none_back() -> None:
    """Somebody answers an old one late."""
    story = Story()
    story.comes(0, "a")
    story.comes(600, "b")
    story.until(700)
    story.acknowledge(700, 2)
    story.acknowledge(800, 1, by="lee")
    assert story.until(10 * HOUR) == []


# escalation


def test_what_nobody_acknowledged_is_escalated_once() -> None:
    """Counted from when people were told; repeats escalate nothing anew."""
    story = Story(ESCALATING)
    story.comes(0)
    story.until(10 * HOUR)
    assert story.escalated == [("a", 30 + 15 * MINUTE)]


def test_what_was_acknowledged_is_not_escalated_and_what_comes_then_has_its_own_time() -> None:
    """It counts from when people were told of it, not from what somebody took care of."""
    story = Story(ESCALATING)
    story.comes(0, "a")
    story.acknowledge(60, 1)
    story.comes(600, "b")
    story.until(10 * HOUR)
    assert story.escalated == [("b", 630 + 15 * MINUTE)]


def test_a_new_period_in_which_nobody_is_heard_escalates_anew() -> None:
    """Everything was over in between."""
    story = Story(ESCALATING)
    story.comes(0)
    story.ends(2 * HOUR)
    story.comes(3 * HOUR, revision=3)
    story.until(5 * HOUR)
    assert story.escalated == [("a", 30 + 15 * MINUTE), ("a", 3 * HOUR + 30 + 15 * MINUTE)]


def test_what_ends_as_another_begins_leaves_it_the_whole_time() -> None:
    """In one message."""
    story = Story(ESCALATING)
    story.comes(0, "a")
    story.ends(600, "a")
    story.comes(600, "b")
    story.until(3 * HOUR)
    assert story.escalated == [("b", 630 + 15 * MINUTE)]


def test_a_silence_keeps_from_escalating_until_it_is_over() -> None:
    """Others are not woken by what is silenced."""
    story = Story(ESCALATING, Around(silences=[silence(60, 2 * HOUR)]))
    story.comes(0)
    story.until(3 * HOUR)
    assert [alert for alert, _ in story.escalated] == ["a"]
    assert story.escalated[0][1] >= 2 * HOUR


def test_an_escalation_does_not_cut_the_interval() -> None:
    """Others are told; what waits goes on waiting."""
    story = Story(PLAN._replace(escalate=Escalate(after="60s", channels=("boss",))))
    story.comes(0, "a")
    story.comes(31, "b")
    assert story.until(HOUR / 2) == [(30, "+a"), (330, "+b =a")]
    assert story.escalated == [("a", 90)]


# limits


def test_a_channel_that_had_enough_is_told_later_and_of_ends_at_once() -> None:
    """Nothing is lost."""
    story = Story(beside=Around(limit=Limit(2, HOUR * 1000)))
    story.channel_is_sent(-1_000, -500)
    story.comes(0, "a")
    assert story.until(2_599) == []
    assert story.until(2_600) == [(2_600, "+a")]
    assert story.reasons() == ["rate_limited", "sent"]
    story.channel_is_sent(2_700, 2_800)
    story.comes(3_000, "b")
    story.ends(3_100, "a")
    assert story.until(3_200) == [(3_130, "-a")], "beyond the limit"
    assert story.until(3 * HOUR)[0] == (2_800 + HOUR, "+b")


def test_a_repeat_waits_for_room() -> None:
    """It is the least of what a channel must hear."""
    story = Story(beside=Around(limit=Limit(1, HOUR * 1000)))
    story.comes(0)
    story.until(HOUR)
    story.channel_is_sent(HOUR)
    assert story.until(3 * HOUR - 1) == [(2 * HOUR, "=a")]


# flapping


def flapping(story: Story, changes: int, every_s: int = 10 * MINUTE) -> None:
    for each in range(changes):
        if each % 2:
            story.ends(each * every_s, revision=each + 1)
        else:
            story.comes(each * every_s, revision=each + 1)


def test_what_comes_and_goes_is_told_so_once_and_then_as_it_stays() -> None:
    """Silence while nobody can tell; the end is told when it holds."""
    story = Story()
    flapping(story, 12, 5 * MINUTE)
    told = story.until(6 * HOUR)
    assert [what for _, what in told].count("+a~") == 1
    assert told[-2:] == [(30 * MINUTE + 30, "+a~"), (55 * MINUTE + 30 * MINUTE, "-a")]
    assert story.reasons(revision=8) == ["flapping", "overtaken"]


def test_what_flapped_and_then_goes_on_firing_is_told_without_that() -> None:
    """It stays as it is."""
    story = Story()
    flapping(story, 9, 5 * MINUTE)
    told = story.until(2 * HOUR)
    assert next(each for each in told if each[0] > 31 * MINUTE) == (40 * MINUTE + 30 * MINUTE, "+a")
    assert not story.group.members[0].flapping
    story.ends(2 * HOUR, revision=10)
    assert story.until(3 * HOUR)[-1] == (2 * HOUR + 30, "-a"), "it has been as it was for long: its end is believed"


def test_further_revisions_of_what_flapped_do_not_put_its_end_off() -> None:
    """It is stable in what counts: whether it fires."""
    story = Story()
    flapping(story, 8, 5 * MINUTE)
    for minute in range(36, 120, 5):
        story.ends(minute * MINUTE, revision=minute)
    assert story.until(3 * HOUR)[-1] == (65 * MINUTE, "-a")


def test_graver_news_of_what_flaps_are_told() -> None:
    """That it comes and goes is no reason to keep back that it is worse."""
    story = Story()
    flapping(story, 9, 5 * MINUTE)
    story.comes(45 * MINUTE, revision=20, severity="critical")
    assert (45 * MINUTE + 30, "+a~") in story.until(HOUR)


# raised, and once


def test_what_people_work_off_a_list_is_not_repeated() -> None:
    """Neither alone nor beside what fires."""
    story = Story()
    story.comes(0, "case", state="raised", severity="critical")
    assert story.until(10 * HOUR) == [(30, "+case")]
    story.comes(10 * HOUR, "a")
    assert story.until(12 * HOUR) == [(10 * HOUR + 30, "+a"), (11 * HOUR + 30, "=a")]
    story.ends(12 * HOUR, "case")
    assert story.until(12 * HOUR + 60) == [(12 * HOUR + 30, "=a -case")]


def test_what_nothing_ends_is_told_once_and_forgotten_in_time() -> None:
    """The others of its hour have its id, and are known."""
    story = Story(ESCALATING)
    for minute in range(0, 60, 7):
        story.comes(minute * MINUTE, "hour", state="raised", once=True)
    assert story.until(HOUR) == [(30, "+hour")]
    story.comes(3 * HOUR, "next", state="raised", once=True)
    assert story.until(4 * HOUR) == [(3 * HOUR + 30, "+next")]
    assert [each.fact.source_id for each in story.group.members] == ["next"]
    assert story.escalated == []


# looks


@pytest.mark.parametrize("exact", [True, False])
def test_nothing_given_is_lost_however_long_nobody_looked(exact: bool) -> None:
    """A group that is held looks again and again; what comes much later comes all the same."""
    story = Story(PLAN._replace(interval_ms=0), Around(silences=[silence(0, HOUR)]), exact=exact)
    story.comes(0, "a")
    story.comes(2 * HOUR, "b")
    story.until(3 * HOUR)
    assert {each.fact.source_id for each in story.group.members if each.told} == {"a", "b"}


def test_after_a_pause_there_is_one_message() -> None:
    """What passed meanwhile is told once, as it is now."""
    story = Story(exact=False)
    story.comes(0, "a")
    story.comes(600, "b")
    story.ends(1_200, "a")
    assert story.until(100 * HOUR) == [(100 * HOUR, "+b")]


def test_a_group_of_nothing_tells_nothing() -> None:
    """And is looked at when something comes."""
    story = Story()
    assert story.until(HOUR) == []
    assert story.group == Group()


def test_what_lies_beside_is_asked_at_each_look() -> None:
    """Not once for all."""
    story = Story(beside=replace(Around(), silences=[silence(0, 40)]))
    story.comes(0)
    assert story.until(100) == [(40, "+a")]
