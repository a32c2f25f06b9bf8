"""The account of what became of every record."""

from proofwatch.bus.records import TopicPartition
from services.scorer.core.conservation import BatchCounts, Conservation, Totals

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def counts(source: TopicPartition, first: int, end: int, lost: int = 0) -> BatchCounts:
    return BatchCounts(source, first, end, end - first, end - first - lost, 0, 0)


def test_batches_add_up_over_partitions() -> None:
    """Nothing seen yet is nothing counted."""
    account = Conservation()
    assert account.totals() == Totals()
    for each in (counts(A, 0, 5), counts(B, 0, 2), counts(A, 5, 9)):
        account(each)
    assert account.totals() == Totals(consumed=11, decided=11)
    assert account.by_partition() == {A: Totals(9, 9), B: Totals(2, 2)}


def test_a_batch_that_comes_again_counts_once_however_it_is_cut() -> None:
    """A batch that begins before the end of the last one replaces it."""
    account = Conservation()
    for each in (counts(A, 0, 5), counts(A, 5, 9), counts(A, 5, 7), counts(A, 7, 9), counts(A, 7, 20)):
        account(each)
    assert account.totals() == Totals(consumed=20, decided=20)


def test_a_lost_record_shows() -> None:
    """The identity is checked, not assumed."""
    account = Conservation()
    account(counts(A, 0, 5, lost=1))
    assert not account.totals().holds


def test_values_that_were_put_right_count_once_however_often_their_batch_is_seen() -> None:
    """By field, over all partitions."""
    account = Conservation()
    for each in (counts(A, 0, 5), counts(A, 0, 3), counts(A, 3, 6), counts(B, 0, 1)):
        account(each._replace(mended={"match_score": each.position_after - each.position_before}))
    assert account.mended() == {"match_score": 7}
    assert Conservation().mended() == {}
