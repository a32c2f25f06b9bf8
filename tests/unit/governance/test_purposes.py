"""The matrix of categories and purposes, as agreed."""

import json

import pytest

from proofwatch import resources
from proofwatch.governance.purposes import Category, LegalBasis, Purpose, allowed, needs_consent

AGREED = {
    "provide_features": ("contract", "account configuration diagnostic_and_usage face_features identification"),
    "maintain_and_deliver_statistics": ("contract", "account configuration"),
    "troubleshooting": ("contract", "account configuration diagnostic_and_usage face_features identification"),
    "billing": ("contract", "account diagnostic_and_usage"),
    "improve_and_develop": (
        "legitimate_interest",
        "configuration diagnostic_and_usage face_features identification",
    ),
}


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("category", Category)
def test_exactly_what_was_agreed_is_allowed(category: Category, purpose: Purpose) -> None:
    """Each of the 25 cells gives its legal basis, or None: denied."""
    basis, categories = AGREED[purpose]

    assert allowed(category, purpose) == (basis if category in categories.split() else None)


def test_only_training_on_sensitive_data_needs_consent() -> None:
    """Consent is asked for face features and identification, to improve and develop, and for nothing else."""
    asked = {(c, p) for c in Category for p in Purpose if needs_consent(c, p)}

    assert asked == {
        (Category.FACE_FEATURES, Purpose.IMPROVE_AND_DEVELOP),
        (Category.IDENTIFICATION, Purpose.IMPROVE_AND_DEVELOP),
    }
    assert all(allowed(c, p) is LegalBasis.LEGITIMATE_INTEREST for c, p in asked)


def test_the_consent_event_knows_the_same_purposes() -> None:
    """A subject can consent to every purpose that exists, and to no other."""
    schema = json.loads((resources.schemas() / "events/consent.v1.schema.json").read_text(encoding="utf-8"))

    assert schema["properties"]["purpose"]["enum"] == list(Purpose)
