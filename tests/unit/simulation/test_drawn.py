"""Ids and salts of a run that is to be repeated."""

from proofwatch.simulation.drawn import seeded


def test_a_seed_gives_the_same_bytes_and_no_two_draws_are_alike() -> None:
    one, again, other = seeded("a"), seeded("a"), seeded("b")
    drawn = [one(16) for _ in range(50)]
    assert drawn == [again(16) for _ in range(50)]
    assert len({*drawn, *(other(16) for _ in range(50))}) == 100
    assert len(one(3)) == 3
