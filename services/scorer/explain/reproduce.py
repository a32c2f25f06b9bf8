"""What a verdict should be by its event and its basis, and where the published one differs. Pure.

Of the basis, the policy, its thresholds and everything that follows are computed anew. What the log said at the time is
taken as recorded: failures before, the versions of controls and patterns, and whether the user was under step-up MFA.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.events.codec import VERDICT
from proofwatch.events.types import Transaction, Verdict
from proofwatch.governance.policy import Policy
from services.scorer.core.attempts import attempt_name
from services.scorer.core.attempts import named as named_as
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.trace import Trace, trace
from services.scorer.core.verdicts import verdict as verdict_of

PERSONAL: Final = ("$.subject_ref", "$.segments", "$.device.ref")


class Difference(NamedTuple):
    """A field of the published verdict that is not what it should be; None: it is not there."""

    path: str
    published: Any
    recomputed: Any


class Reproduction(NamedTuple):
    """The trace, the verdict that follows, and how the published one compares.

    `withheld` names segments that are on the event and not on the verdict: those that the tenant's contract does not
    let through. `bytes_differ` without differences: the same content, written in another way.
    """

    trace: Trace
    verdict: Verdict
    differences: tuple[Difference, ...]
    bytes_differ: bool
    withheld: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Return whether the published verdict is the recomputed one, byte by byte."""
        return not self.differences and not self.bytes_differ


def reproduce(event: Transaction, published: Verdict, value: bytes, policy: Policy) -> Reproduction:
    """Recompute the verdict on `event` and compare it with the published one, whose JSON is `value`."""
    compiled, basis = CompiledPolicy.of(policy), published.basis
    step_up = bool(basis.step_up)
    narrowed, withheld = _narrowed(event, published)
    found = trace(narrowed, compiled, basis.attempts_before, step_up=step_up)
    own = compiled.basis(basis.attempts_before, basis.controls_version, basis.patterns_version, step_up=step_up)
    if basis.referred_before is None:  # a release before said it of nobody
        own = msgspec.structs.replace(own, referred_before=None)
    recomputed = verdict_of(narrowed, found.judgement, own)
    expected = VERDICT.encode(recomputed)
    differences = tuple(_compare("$", msgspec.json.decode(value), msgspec.json.decode(expected)))
    return Reproduction(found, recomputed, differences, value != expected, withheld)


def _narrowed(event: Transaction, published: Verdict) -> tuple[Transaction, tuple[str, ...]]:
    """Return the event as the verdict speaks of it, and the names of the segments that it leaves out.

    A further attempt is named; of the segments those stay that the verdict shows with the same value.
    """
    if event.attempt_id is None and published.attempt_id == attempt_name(event):
        event = named_as(event)
    named, shown = event.segments or {}, published.segments or {}
    withheld = tuple(sorted(named.keys() - shown.keys()))
    if not withheld:
        return event, ()
    kept = {name: value for name, value in named.items() if name in shown}
    return msgspec.structs.replace(event, segments=kept or None), withheld


def _compare(path: str, published: Any, recomputed: Any) -> Iterator[Difference]:
    if isinstance(published, dict) and isinstance(recomputed, dict):
        for name in sorted(published.keys() | recomputed.keys()):
            yield from _compare(f"{path}.{name}", published.get(name), recomputed.get(name))
    elif type(published) is not type(recomputed) or published != recomputed:
        yield Difference(path, published, recomputed)
