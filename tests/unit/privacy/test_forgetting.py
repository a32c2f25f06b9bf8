"""When the last topic has forgotten somebody, as manifests say it."""

from datetime import UTC, date, datetime, timedelta

from proofwatch.events.topics import load_manifests
from services.privacy.core.forgetting import forgetting, forgotten_by

MANIFESTS = load_manifests()


def test_every_topic_that_knows_of_people_is_counted_and_no_other() -> None:
    """By what its events and keys hold; dead letters hold the original bytes."""
    found = {each.topic for each in forgetting(MANIFESTS.values())}
    assert {name for name in found if not name.endswith(".dlq")} == {
        "biometrics.shadows.v1",
        "biometrics.verdicts.v1",
        "onboarding.consents.v1",
        "onboarding.device-proofs.v1",
        "onboarding.guidance.v1",
        "onboarding.label-requests.v1",
        "onboarding.labels.v1",
        "onboarding.step-ups.v1",
        "onboarding.subjects.v1",
        "onboarding.transactions.v1",
        "research.pattern-hits.v1",
        "soc.escalations.v1",
        "soc.suspicions.v1",
    }
    assert "onboarding.transactions.v1.dlq" in found


def test_the_last_one_is_retention_and_the_segment_that_it_lies_in() -> None:
    """Ninety days, and a segment of a week; compacted ones need no week."""
    first = forgetting(MANIFESTS.values())[0]
    assert first.after == timedelta(days=97, hours=1)
    of = {each.topic: each.after for each in forgetting(MANIFESTS.values())}
    assert of["onboarding.subjects.v1"] == of["onboarding.consents.v1"] < timedelta(days=4)
    at = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert forgotten_by(at, MANIFESTS.values()) == date(2027, 3, 4)
    assert forgotten_by(at, []) == date(2026, 11, 27)


def test_every_compacted_topic_says_when_tombstones_take_effect() -> None:
    """Kafka compacts no segment that is open, and by default waits for ever."""
    for manifest in MANIFESTS.values():
        for spec in manifest.specs():
            if "compact" in spec.config["cleanup.policy"]:
                assert int(spec.config["segment.ms"]) > 0
                assert int(spec.config["max.compaction.lag.ms"]) > 0
                assert spec.config["delete.retention.ms"] == str(24 * 3600 * 1000)
