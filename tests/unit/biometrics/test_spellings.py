"""What a truth means, however people spell it."""

import pytest

from proofwatch.biometrics.spellings import truth_class


@pytest.mark.parametrize(
    ("presentation", "species", "stated", "meant"),
    [
        (None, None, None, None),
        ("bona_fide", None, None, "bona_fide"),
        ("bona_fide", "mask", "injection", "bona_fide"),
        ("attack", None, None, "attack:unknown"),
        ("attack", "", None, "attack:unknown"),
        ("attack", "mask", None, "attack:mask"),
        ("attack", "Virtual Camera", None, "injection:Virtual Camera"),
        ("attack", "virtual_cam (OBS)", None, "injection:virtual_cam (OBS)"),
        ("attack", "api-injection", None, "injection:api-injection"),
        ("attack", "injected deepfake", None, "injection:injected deepfake"),
        ("attack", "deepfake", None, "attack:deepfake"),
        ("attack", "deepfake", "injection", "injection:deepfake"),
        ("attack", "virtual camera", "presentation", "attack:virtual camera"),
        ("attack", None, "injection", "injection:unknown"),
    ],
)
def test_an_injection_attack_is_no_presentation_attack(
    presentation: str | None, species: str | None, stated: str | None, meant: str | None
) -> None:
    """What is stated goes first; else a species that names a way of injection is one, and nothing else is."""
    assert truth_class(presentation, species, stated) == meant
