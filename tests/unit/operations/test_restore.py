"""Whether a database fits the topics: the judgement, from numbers."""

from services.operations.restore import Stored, judge

VERDICTS = "biometrics.verdicts.v1"
ENDS = {(VERDICTS, 0): 100, (VERDICTS, 1): 50}


def test_a_database_at_or_behind_the_topics_fits() -> None:
    """It reads on from where it stands; nothing published is unknown to it."""
    stored = [Stored("ledger", VERDICTS, 0, 100, 7), Stored("ledger", VERDICTS, 1, None, 0)]
    assert list(judge(stored, ENDS, {("ledger", VERDICTS, 0): 7})) == []


def test_a_database_that_is_older_than_what_is_published_is_told_what_to_do() -> None:
    """The relay would refuse; the sentence names its group."""
    (said,) = judge([Stored("ledger", VERDICTS, 0, 90, 7)], ENDS, {("ledger", VERDICTS, 0): 9})
    assert "outputs up to 9 are published, but the database knows 7 only" in said
    assert "Delete the offsets of group ledger-relay" in said


def test_a_topic_that_ends_before_the_position_is_another_one() -> None:
    """Starting would skip what the new topic holds, or wait for ever."""
    stored = [Stored("windows", VERDICTS, 1, 51, 0), Stored("windows", VERDICTS, 2, 5, 0)]
    beyond, absent = judge(stored, ENDS, {})
    assert "biometrics.verdicts.v1/1 was read up to 51, but the topic ends at 50" in beyond
    assert "biometrics.verdicts.v1/2 was read up to 5, but there is no such partition" in absent
