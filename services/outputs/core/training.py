"""The rows of a training set: what of each transaction may serve to improve and develop, and why the rest may not.

No account data is in a row: no tenant, no id, no reference, so rows are of nobody by name. What is sensitive, the
values of segments, is there on the data subject's consent alone. Who has *withdrawn* that consent is left out whole:
whoever takes back a consent for training has objected to it, and the legitimate interest yields (GDPR Art. 21(1)). So
is whose processing is restricted (Art. 18).
Times are cut to the day. References to imagery never leave this way.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from proofwatch.events.categories import categories_of
from proofwatch.events.types import Transaction
from proofwatch.governance.purposes import SENSITIVE, Category, Purpose
from proofwatch.governance.release import (
    NO_CONSENTS,
    UNDER_CONTRACT,
    ConsentState,
    Reason,
    Refused,
    decide,
)

PURPOSE: Final = Purpose.IMPROVE_AND_DEVELOP
_EVENT: Final = "transaction"
_DEVICE: Final = ("model", "os", "os_version", "sdk_version")
_TIMINGS: Final = ("capture_ms", "upload_ms", "match_ms", "liveness_ms")
_PLAIN: Final = ("match_score", "liveness_score", "matcher_version", "pad_version")
FIELDS: Final[Mapping[str, str]] = {
    "occurred_on": "$.occurred_at",
    "checks": "$.checks",
    **{name: f"$.{name}" for name in _PLAIN},
    **{f"device_{name}": f"$.device.{name}" for name in _DEVICE},
    **{name: f"$.timings.{name}" for name in _TIMINGS},
    "segments": "$.segments",
}
"""Columns, and where in the event's schema each has its category."""
LABELS: Final = ("pair", "presentation", "pair_probability", "presentation_probability")
"""Columns of the truth, by the ledger: labels are diagnostic and usage data."""

_LEFT_OUT_WHOLE: Final = frozenset({Reason.CONSENT_WITHDRAWN, Reason.PROCESSING_RESTRICTED})
Column = Literal["text", "number", "texts", "map", "day"]
COLUMNS: Final[Mapping[str, Column]] = {
    "occurred_on": "day",
    "checks": "texts",
    "match_score": "number",
    "liveness_score": "number",
    "matcher_version": "text",
    "pad_version": "text",
    **dict.fromkeys((f"device_{name}" for name in _DEVICE), "text"),
    **dict.fromkeys(_TIMINGS, "number"),
    "segments": "map",
    "pair": "text",
    "presentation": "text",
    "pair_probability": "number",
    "presentation_probability": "number",
}


class Truth(NamedTuple):
    """What the ledger knows of a transaction: the winning labels, with their sampling probabilities."""

    pair: str | None = None
    presentation: str | None = None
    pair_probability: float | None = None
    presentation_probability: float | None = None


class Stand(NamedTuple):
    """How a subject stands: the consent in force, and whether the processing of their data is restricted."""

    consent: ConsentState
    restricted: bool = False


class Judged(NamedTuple):
    """A row, or None: left out whole; and why something of it was withheld, None: nothing was."""

    row: dict[str, Any] | None
    withheld: Reason | None


def categories() -> Mapping[str, Category]:
    """Return the category of every column, as the schemas say."""
    of = categories_of(_EVENT)
    return {
        **{name: of[place] for name, place in FIELDS.items()},
        **dict.fromkeys(LABELS, Category.DIAGNOSTIC_AND_USAGE),
    }


def closed() -> Refused | None:
    """Return why nothing at all may be exported; None: what is not sensitive may."""
    plain = {each for each in categories().values() if each not in SENSITIVE}
    decided = decide(PURPOSE, plain, NO_CONSENTS, UNDER_CONTRACT)
    return decided if isinstance(decided, Refused) else None


def judged(event: Transaction, truth: Truth, stand: Stand) -> Judged:
    """Return what of a transaction may be in the set, by how its subject stands."""
    sensitive = {each for each in categories().values() if each in SENSITIVE}
    decided = decide(PURPOSE, sensitive, {PURPOSE: stand.consent}, UNDER_CONTRACT, restricted=stand.restricted)
    if isinstance(decided, Refused):
        if decided.reason in _LEFT_OUT_WHOLE:
            return Judged(None, decided.reason)
        return Judged(_row(event, truth, None), decided.reason if event.segments else None)
    return Judged(_row(event, truth, event.segments), None)


def _row(event: Transaction, truth: Truth, segments: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "occurred_on": event.occurred_at.date(),
        "checks": list(event.checks),
        **{name: getattr(event, name) for name in _PLAIN},
        **{f"device_{name}": getattr(event.device, name, None) for name in _DEVICE},
        **{name: getattr(event.timings, name, None) for name in _TIMINGS},
        "segments": sorted(segments.items()) if segments else None,
        **truth._asdict(),
    }
