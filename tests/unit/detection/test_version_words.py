"""Words of findings about versions and durations."""

from proofwatch.detection.finding_words import finding_sentence
from proofwatch.detection.rule_words import words_of
from tests.unit.detection.anomalies import anomaly


def test_a_finding_of_a_version_says_what_changed_by_how_much_and_what_to_do() -> None:
    """Rates by counts, scores by ranks, durations by a factor."""
    rate = anomaly(rule="version_change", direction="up", metric="liveness_fail_rate")
    score = anomaly(rule="version_change", direction="down", metric="match_score", statistic=0.31, threshold=0.2)
    timing = anomaly(rule="timing_jump", direction="up", metric="capture_ms", statistic=1.8, threshold=1.5)
    titles = [words.title for each in (rate, score, timing) if (words := words_of(each))]
    assert titles == ["more with the new version", "scores lie lower with the new version", "it takes longer"]
    assert "of the version before" in finding_sentence(rate, "sdk 2")
    assert "0.31 standard deviations of ranks" in finding_sentence(score, "matcher 8")
    assert "1.8 times as long" in finding_sentence(timing, "handset X")
    assert "with the days before" in finding_sentence(timing, "handset X")
