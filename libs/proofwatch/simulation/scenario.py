"""What a simulated onboarding day is made of; every number is a share or a rate, stated once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple


class Handset(NamedTuple):
    """A handset on the market, and how much harder its camera makes liveness (1 = not)."""

    model: str
    os: str
    os_version: str
    weight: float
    difficulty: float


class Wave(NamedTuple):
    """A scripted presentation-attack campaign on one tenant. Hours count from the start of the day."""

    tenant: str
    from_hour: float
    to_hour: float
    share: float
    """Share of all arrivals of the day that belong to the wave."""
    species: tuple[str, ...]
    handset: str


class Release(NamedTuple):
    """A version that comes into use during the day, and what it does. Hours count from the start of the day."""

    field: Literal["sdk_version", "matcher_version", "pad_version"]
    version: str
    from_hour: float
    to_hour: float = 24.0
    """Until when; before the day's end: it is rolled back."""
    share: float = 1.0
    """Share of people who get it."""
    tenant: str | None = None
    """Whose people; None: everybody's."""
    harder: float = 1.0
    """Factor by which liveness is harder, as of a handset."""
    shift: float = 0.0
    """What is added to face-match scores."""
    slower: float = 1.0
    """Factor by which capturing takes longer."""


RELEASES: Final = {
    "bad-sdk": Release("sdk_version", "11.3.0", 9.0, 13.0, share=0.3, tenant="harbour-bank", harder=6.0),
    "new-matcher": Release("matcher_version", "8.0.0", 12.0, shift=-0.03),
    "slow-sdk": Release("sdk_version", "11.4.0", 14.0, share=0.5, slower=1.8),
}
"""A bad release, rolled back after four hours; a matcher whose scores lie lower; a release that takes its time."""

HOURLY: Final = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 12, 12, 13, 14, 13, 11, 8, 5, 3)
"""Arrivals by hour of the day, relative: quiet nights, busy evenings."""
TENANTS: Final = (("harbour-bank", 0.5), ("lumen-telco", 0.3), ("summit-wallet", 0.2))
HANDSETS: Final = (
    Handset("A-2406", "android", "14", 0.30, 1.0),
    Handset("A-1801", "android", "11", 0.12, 2.2),
    Handset("B-77", "android", "15", 0.18, 1.0),
    Handset("K-15", "ios", "18", 0.25, 0.8),
    Handset("K-12", "ios", "16", 0.15, 1.1),
)
SDK_VERSIONS: Final = (("11.2.0", 0.7), ("11.1.4", 0.3))
COUNTRIES: Final = (("IN", 0.55), ("ID", 0.25), ("KE", 0.2))
SEXES: Final = (("female", 0.48), ("male", 0.52))
AGE_BANDS: Final = (("18-24", 0.25), ("25-34", 0.35), ("35-54", 0.3), ("55+", 0.1))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulated day. Equal scenarios give equal bytes."""

    events: int = 50_000
    """Transactions on the topic, retries and resends and malformed ones included; labels come on top."""
    seed: int = 7
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    hours: float = 24.0
    waves: tuple[Wave, ...] = (Wave("lumen-telco", 14.0, 15.5, 0.025, ("replay-screen", "print-paper"), "A-1801"),)
    impostors: float = 0.002
    """Share of arrivals that are another person with a stolen document."""
    poor_documents: float = 0.015
    """Share of bona fide arrivals whose document photo compares badly."""
    match_failures_to_acquire: float = 0.004
    liveness_non_responses: float = 0.002
    resends: float = 0.002
    """Share of transactions that upstream sends a second time, byte by byte."""
    malformed: float = 0.0005
    """Share of records that no schema accepts."""
    label_share: float = 0.08
    """Sampling probability π with which a bona fide transaction is labelled."""
    attack_label_share: float = 0.7
    """Share of attacks that an investigation confirms later."""
    label_delay_hours: tuple[float, float] = (1.0, 20.0)
    matcher_version: str = "7.3.0"
    pad_version: str = "2026.1"
    releases: tuple[Release, ...] = ()
    pictures: bool = False
    """Whether transactions announce the digest of their picture (`simulation.pictures`): some 17 µs of each."""
    attempts: int = 4
    """After how many tries a subject gives up."""
