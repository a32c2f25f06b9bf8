"""Who arrives, and what the biometric system scores them."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from proofwatch.events.enumerations import LabelPair
from proofwatch.simulation.scenario import HANDSETS, Handset, Scenario

MATCH_THRESHOLD: Final = 0.85
LIVENESS_THRESHOLD: Final = 0.995
"""What the simulated users' SDK tells them; who fails comes back for another try."""


@dataclass(slots=True)
class Person:
    """A subject on the way through onboarding, with the truth that only labels will tell."""

    tenant: str
    ref: str
    kind: Literal["bona_fide", "impostor", "attack"]
    species: str | None
    handset: Handset
    sdk_version: str
    segments: dict[str, str]
    poor_document: bool
    place: float = 0.0
    """Where the person stands among all, 0 … 1: who gets a release first."""
    tries: int = 0

    @property
    def pair(self) -> LabelPair:
        """Return whether document and selfie show the same person (mated comparison)."""
        return "impostor" if self.kind == "impostor" else "genuine"


def draw(random: Random, weighted: tuple[tuple[str, float], ...]) -> str:
    """Draw a name by its weight; the weights sum to 1."""
    mark = random.random()
    for name, weight in weighted:
        mark -= weight
        if mark < 0:
            return name
    return weighted[-1][0]


def draw_handset(random: Random) -> Handset:
    """Draw a handset by its share of the market."""
    mark = random.random()
    for handset in HANDSETS:
        mark -= handset.weight
        if mark < 0:
            return handset
    return HANDSETS[-1]


def match_score(random: Random, person: Person, scenario: Scenario, shift: float = 0.0) -> float | None:
    """Draw a face-match score, `shift` added, or None for a failure to acquire."""
    if random.random() < scenario.match_failures_to_acquire:
        return None
    if person.kind == "impostor":
        mean, spread = 0.55, 0.11
    elif person.poor_document:
        mean, spread = 0.84 + 0.03 * person.tries, 0.04
    else:
        mean, spread = 0.955, 0.025
    return round(min(1.0, max(0.0, random.gauss(mean, spread) + shift)), 5)


def liveness_score(random: Random, person: Person, scenario: Scenario, harder: float = 1.0) -> float | None:
    """Draw a liveness score, `harder` by a factor than the handset makes it, or None for a non-response."""
    if random.random() < scenario.liveness_non_responses:
        return None
    if person.kind == "attack":
        return round(1.0 - min(1.0, random.expovariate(1.4) ** 2 + 0.001), 6)
    return round(1.0 - min(1.0, random.expovariate(1.0) * 0.0009 * person.handset.difficulty * harder), 6)


def fails(match: float | None, liveness: float | None) -> bool:
    """Return whether the person sees a failed proof."""
    return match is None or match < MATCH_THRESHOLD or liveness is None or liveness < LIVENESS_THRESHOLD


def duration(random: Random, median_ms: float) -> float:
    """Draw a duration: log-normal, whole milliseconds."""
    return float(round(median_ms * math.exp(random.gauss(0.0, 0.35))))
