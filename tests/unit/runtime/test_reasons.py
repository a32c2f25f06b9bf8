"""What /ready says: one line for what is the matter, however many partitions it befalls."""

from proofwatch.runtime.reasons import together


def test_sentences_that_differ_in_the_partition_only_are_one() -> None:
    """A service of twelve partitions said the same twelve times."""
    said = [f"windows: x.tallies.v1/{n}: not owned by this process now" for n in (0, 1, 2, 10, 5)]
    assert together(said) == ["windows: x.tallies.v1/0-2,5,10: not owned by this process now"]


def test_what_names_the_partition_twice_is_one_too() -> None:
    """The lane names it, and so does the error that it failed with."""
    said = [f"x.v1/{n}: not owned; the last attempt failed: Gap: outbox of x.v1/{n}: rows are missing" for n in (3, 4)]
    assert together(said) == ["x.v1/3-4: not owned; the last attempt failed: Gap: outbox of x.v1/3-4: rows are missing"]


def test_what_differs_otherwise_stays_apart_and_in_order() -> None:
    """Another topic, another cause, another number: another sentence."""
    said = [
        "x.v1/0: position 5 is gone",
        "x.v1/1: position 7 is gone",
        "y.v1/1: position 7 is gone",
        "group scorer is not joined",
        "PostgreSQL is away",
        "x.v1/2: position 5 is gone",
        "group scorer is not joined",
    ]
    assert together(said) == [
        "x.v1/0,2: position 5 is gone",
        "x.v1/1: position 7 is gone",
        "y.v1/1: position 7 is gone",
        "group scorer is not joined",
        "PostgreSQL is away",
    ]


def test_paths_and_addresses_and_two_places_are_left_alone() -> None:
    """They are no partitions."""
    said = [
        "redis://127.0.0.1:6379/0 is away",
        "redis://127.0.0.1:6379/1 is away",
        "/var/lib/7 is full",
        "x.v1/0 waits for y.v1/0",
        "x.v1/1 waits for y.v1/1",
        "x.v1/1/20 blocks",
        "x.v1/2/20 blocks",
    ]
    assert together(said) == said
    assert together([]) == []
