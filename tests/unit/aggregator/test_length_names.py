"""Every length of windows can be asked for and said."""

from services.aggregator.core.length_names import LENGTHS, in_words
from services.aggregator.core.lengths import LENGTHS_S


def test_every_length_has_a_name_of_its_own() -> None:
    """A new row of the table of lengths has one here too."""
    assert sorted(LENGTHS.values()) == sorted(LENGTHS_S)
    assert len({in_words(seconds) for seconds in LENGTHS_S}) == len(LENGTHS_S)
