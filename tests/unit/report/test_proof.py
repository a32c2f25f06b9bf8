"""What trials prove, in words."""

import pytest

from proofwatch.biometrics.figures import rate
from proofwatch.biometrics.worst_of import SpeciesFigure
from proofwatch.report.proof import because, explained, meaning

LIMIT = 0.005


@pytest.mark.parametrize(
    ("k", "n", "limit", "says"),
    [
        (0, 598, LIMIT, "proven within"),
        (100, 5000, LIMIT, "proven above"),
        (0, 30, LIMIT, "too few trials: 568 more without an error"),
        (2, 300, LIMIT, "too few trials: 958 more without an error or 5,425 at this rate"),
        (20, 4000, LIMIT, "straddles the limit: 1,808 more without an error"),
        (0, 0, LIMIT, "too few trials: 598 more without an error"),
        (1, 2, None, ""),
    ],
)
def test_too_few_trials_and_straddling_are_different_words(k: int, n: int, limit: float | None, says: str) -> None:
    """With what would decide; a figure without a limit says nothing."""
    assert explained(rate(k, n, limit)) == says


def test_a_worst_of_figure_says_who_makes_its_status() -> None:
    """The members in breach, or what forbids PASS and the trials still needed; at most three by name."""
    breach = SpeciesFigure.of({"replay": (100, 5000), "mask": (1, 30)}, LIMIT, 30, ())
    assert explained(breach) == "proven above: replay 100/5,000"
    unproven = SpeciesFigure.of({"replay": (1, 10_000), "mask": (0, 30)}, LIMIT, 30, ())
    assert explained(unproven) == "too few trials: mask 0/30 (too few trials, 568 more without an error)"
    together = SpeciesFigure.of(dict.fromkeys("abc", (4, 10)), LIMIT, 30, ())
    assert because(together).endswith("and 1 more")
    mixture = SpeciesFigure.of({"print": (0, 598), "unknown": (50, 100)}, LIMIT, 30, ("unknown",))
    assert meaning(mixture) == "above the limit, not told apart"
    assert because(mixture) == "unknown 50/100 (above the limit, not told apart)"
    passed = SpeciesFigure.of({"print": (0, 598)}, LIMIT, 30, ())
    assert explained(passed) == "proven within"
