"""What labels prove of attacks, in words: how many, how many of them got in, on which days, and since when known."""

from datetime import timedelta

from msgspec.structs import replace

from proofwatch.detection.findings import INJECTED
from proofwatch.detection.incident import Incident
from proofwatch.detection.slice_names import is_plain
from proofwatch.detection.words import HOLD_ACCOUNTS, percent
from proofwatch.events.types import Proof
from proofwatch.local_time import local, minute

_FIGURES = {"apcer": "APCER", "iapar": "IAPAR", INJECTED: "IAPAR of injections"}
_INSTANT = timedelta(microseconds=1)


def proof_title(proof: Proof) -> str:
    """Return the head of a title."""
    return f"Labels prove {proof.attacks:,} {_kind(proof)}, {proof.accepted:,} {_done(proof)}"


def proof_sentence(incident: Incident) -> str:
    """Return what labels prove as a sentence; the species are named as they are."""
    proof, zone = incident.proof, incident.lead.time_zone
    assert proof is not None, "only what labels prove has such a sentence"
    named = f" ({', '.join(proof.species)})" if proof.species else ""
    first, last = (f"{local(each, zone):%Y-%m-%d}" for each in (proof.since, proof.until - _INSTANT))
    days = f"on {first}" if first == last else f"from {first} to {last}"
    return (
        f"Labels name {proof.attacks:,} {_kind(proof)}{named} among what it sent {days}: {proof.accepted:,} of "
        f"{proof.attacks:,} {_done(proof)} = {percent(proof.accepted / max(proof.attacks, 1))} (the "
        f"{_FIGURES.get(proof.metric, 'rate')} of this slice, 95 % interval {percent(proof.low)} to "
        f"{percent(proof.high)}), limit {percent(proof.limit)}; known since {minute(proof.known_at, zone)}."
    )


def proof_step(incident: Incident) -> str:
    """Return what to do about what labels prove: whose accounts to hold, from the first day that they are of."""
    proof = incident.proof
    assert proof is not None, "only what labels prove has such a step"
    return HOLD_ACCOUNTS.format(tenant=incident.tenant, since=f"{local(proof.since, incident.lead.time_zone):%Y-%m-%d}")


def plain_proof(proof: Proof | None) -> Proof | None:
    """Return a proof as a notice may name it: of species those whose names are plain."""
    if proof is None or proof.species is None:
        return proof
    return replace(proof, species=tuple(each for each in proof.species if is_plain(each)) or None)


def _kind(proof: Proof) -> str:
    one = "attack" if proof.attacks == 1 else "attacks"
    return f"injection {one}" if proof.metric == INJECTED else one


def _done(proof: Proof) -> str:
    return "passed the liveness check" if proof.metric == "apcer" else "accepted"
