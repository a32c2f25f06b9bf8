"""How the journey benchmark tells how far a stage has come."""

from tests.benchmarks.journey_following import Done, Merged, Queue


def test_the_oldest_that_is_not_done_decides_however_much_later_is_done() -> None:
    """A stage that leaves one input behind lags by that input's age."""
    done = Done()
    for number in (0, 1, 3, 4, 9):
        done.add(number)
    assert (done.oldest, done.count, done.repeated) == (2, 5, 0)
    done.add(2)
    assert done.oldest == 5


def test_what_is_done_twice_is_counted_once_and_told() -> None:
    """Exactly once is something that the benchmark sees, not believes."""
    done = Done()
    for number in (0, 0, 1, 0):
        done.add(number)
    assert (done.oldest, done.count, done.repeated) == (2, 2, 2)


def test_positions_take_records_whether_they_are_seen_before_or_after() -> None:
    """The reader may learn a durable position before it has read the records that lie below it."""
    done = Done()
    queue = Queue(done)
    queue.publish(0, offset=10, tag=0)
    queue.publish(1, offset=7, tag=1)
    queue.take({0: 11, 1: 7, 2: 5})
    assert (done.oldest, queue.oldest) == (1, 1)
    queue.publish(2, offset=4, tag=2)
    queue.take({1: 8})
    assert (done.oldest, queue.oldest) == (3, None)


def test_a_position_that_goes_back_takes_nothing_away() -> None:
    """Seen when a group's offset is read from another replica."""
    queue = Queue()
    queue.take({0: 5})
    queue.take({0: 3})
    queue.publish(0, offset=4, tag=1)
    assert queue.oldest is None


def test_the_slowest_partition_of_tallies_decides_what_is_merged() -> None:
    """Each batch sends tallies to several partitions: a range is merged when all of them are."""
    merged = Merged()
    for partition in (0, 1):
        merged.publish(partition, offset=0, source=0, before=0, after=100)
        merged.publish(partition, offset=1, source=1, before=0, after=50)
        merged.publish(partition, offset=2, source=0, before=100, after=180)
    assert merged.tallied == {0: 180, 1: 50}
    merged.take({0: 3, 1: 1})
    assert merged.merged == {0: 100, 1: 0}
    merged.take({1: 3})
    assert merged.merged == {0: 180, 1: 50}
