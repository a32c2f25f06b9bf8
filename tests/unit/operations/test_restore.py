"""Whether a database fits the topics: the judgement, from numbers."""

from proofwatch.bus.records import TopicPartition
from services.operations.database_positions import DatabasePositions, Held, Stored
from services.operations.restore import judge
from services.operations.restore_relay import Move, describe_moves, moves

VERDICTS = "biometrics.verdicts.v1"
HELD = {(VERDICTS, 0): Held(0, 100, "a"), (VERDICTS, 1): Held(20, 50, "a")}


def test_a_database_at_or_behind_the_topics_fits() -> None:
    """It reads on from where it stands; nothing published is unknown to it."""
    stored = [Stored("ledger", VERDICTS, 0, 100, 7), Stored("ledger", VERDICTS, 1, None, 0)]
    assert list(judge(DatabasePositions(stored, HELD, {("ledger", VERDICTS, 0): 7}))) == []


def test_a_database_that_is_older_than_what_is_published_is_told_what_to_do() -> None:
    """The relay would refuse; the sentence names its group."""
    (said,) = judge(DatabasePositions([Stored("ledger", VERDICTS, 0, 90, 7)], HELD, {("ledger", VERDICTS, 0): 9}))
    assert "outputs up to 9 are published, but the database knows 7 only" in said
    assert "`proofwatch restore relay --schema ledger --yes --operator … --note …`" in said


def test_a_topic_that_ends_before_the_position_is_another_one() -> None:
    """Starting would skip what the new topic holds, or wait for ever."""
    stored = [Stored("windows", VERDICTS, 1, 51, 0), Stored("windows", VERDICTS, 2, 5, 0)]
    beyond, absent = judge(DatabasePositions(stored, HELD, {}))
    assert "biometrics.verdicts.v1/1 was read up to 51, but the topic ends at 50" in beyond
    assert "biometrics.verdicts.v1/2 was read up to 5, but there is no such partition" in absent


def test_what_retention_has_passed_and_what_was_made_anew_is_named() -> None:
    """Both are refused when a service starts; better said before."""
    stored = [Stored("ledger", VERDICTS, 1, 15, 0, None, "a"), Stored("ledger", VERDICTS, 0, 90, 0, None, "b")]
    passed, anew = judge(DatabasePositions(stored, HELD, {}))
    assert "biometrics.verdicts.v1/1 was read up to 15, but the topic begins at 20: 5 offsets" in passed
    assert "of a topic with id b, and the one of that name now has id a" in anew
    assert "PROOFWATCH_ACCEPT_NEW_TOPICS=biometrics.verdicts.v1=a" in anew
    same = [Stored("ledger", VERDICTS, 1, 20, 0, None, "a"), Stored("ledger", VERDICTS, 0, 90, 0)]
    assert list(judge(DatabasePositions(same, HELD, {}))) == []


def test_a_relay_begins_where_the_database_knows_its_outbox_to_be_published() -> None:
    """One that stands there is left alone; a partition that the backup does not know begins anew."""
    at = [TopicPartition(VERDICTS, partition) for partition in range(4)]
    outbox = {at[0]: (7, 5), at[1]: (4, 4), at[2]: (3, 0)}
    found = moves(outbox, {at[0]: 9, at[1]: 4, at[3]: 2})
    assert found == [Move(at[0], 9, 5, 7), Move(at[3], 2, 0, 0)]
    first, second, again, _ = describe_moves("ledger", found, done=False)
    assert first.startswith("group ledger-relay: biometrics.verdicts.v1/0 would be set from 9 to 5")
    assert first.endswith("its 2 rows are published again")
    assert second.endswith("it holds no rows to be published")
    assert again.startswith("receivers see again")
