"""Whom labels prove to be an attacker and the system accepted: whose accounts are to be held. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from proofwatch.biometrics.trials import ATTACK_PREFIX, IMPOSTOR, INJECTION_PREFIX
from services.aggregator.core.entries import Assertion
from services.aggregator.core.found import Query
from services.aggregator.core.times import MICROSECONDS

PRESENTATION = "presentation_attack"
INJECTION = "injection_attack"
KINDS: Mapping[str, str] = {ATTACK_PREFIX: PRESENTATION, INJECTION_PREFIX: INJECTION}
"""Kinds by the prefix of their trial class; besides there are impostors."""


class Accepted(NamedTuple):
    """An accepted transaction that a label proves to be an attack, or an impostor's.

    `occurred_us`, `asserted_us`: microseconds since 1970; `labelled_ms`: when the label was logged, in ms since 1970,
    None: not known. `species`: the PAI species, or the method of an injection; None: of an impostor.
    """

    transaction_id: str
    occurred_us: int
    asserted_us: int
    labelled_ms: int | None
    kind: str
    species: str | None
    segments: Mapping[str, str]


def accepted_attack(
    transaction_id: str,
    decision: str,
    occurred_us: int,
    segments: str,
    pair: Assertion | None,
    presentation: Assertion | None,
) -> Accepted | None:
    """Return what the winning assertions prove of a transaction; None: nothing, or it was not accepted.

    `segments`: a JSON object, as the ledger keeps it. What is an attack and an impostor's is an attack. As FAR counts
    (`core.limits.trials`) it does not matter which checks were asked for: the account is there.
    """
    if decision != "accept":
        return None
    for prefix, kind in KINDS.items():
        if presentation and presentation.trial_class.startswith(prefix):
            species = presentation.trial_class.removeprefix(prefix)
            return _accepted(transaction_id, occurred_us, segments, presentation, kind, species)
    if pair and pair.trial_class == IMPOSTOR:
        return _accepted(transaction_id, occurred_us, segments, pair, IMPOSTOR, None)
    return None


def in_order(found: Iterable[Accepted]) -> list[Accepted]:
    """Return them as they occurred, of one moment by their ids."""
    return sorted(found, key=lambda each: (each.occurred_us, each.transaction_id))


def is_wanted(found: Accepted, query: Query, species: str | None) -> bool:
    """Return whether it occurred in the span, in the segment (or value) and by the species that are asked for."""
    since, until = query.span
    if since is not None and found.occurred_us < since * MICROSECONDS:
        return False
    if until is not None and found.occurred_us >= until * MICROSECONDS:
        return False
    if species is not None and found.species != species:
        return False
    return all(name in found.segments and query.wants((name, found.segments[name])) for name in query.names)


def _accepted(
    transaction_id: str, occurred_us: int, segments: str, proof: Assertion, kind: str, species: str | None
) -> Accepted:
    values = msgspec.json.decode(segments, type=dict[str, str])
    logged = -proof.minus_logged_ms or None
    return Accepted(transaction_id, occurred_us, proof.asserted_us, logged, kind, species, values)
