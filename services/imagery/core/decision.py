"""May this be opened? Cedar decides; what it cannot evaluate is a refusal."""

import hashlib
from typing import Any, Final, NamedTuple

import cedarpy

from proofwatch.access.cedar import names, statements
from services.imagery.core.facts import Request

WORDS: Final = {
    "no_role": "none of your roles opens imagery: analysts and checkers open that of their cases, researchers that of "
    "high-risk cases",
    "administrator": "who administers people opens no imagery",
    "other_tenant": "the case and the transaction belong to a tenant that is not yours",
    "not_flagged": "the transaction was not flagged: its imagery stays closed",
    "not_in_case": "the case does not hold this transaction",
    "case_closed": "the case is closed: reopen it with a reason first",
    "case_not_assigned": "the case is not assigned to you: take it first",
    "reason_missing": "say why in a few words: the reason goes into the audit log",
    "purpose_denied": "imagery may not serve this purpose",
    "consent_missing": "the person has not consented to this purpose, or no longer does",
    "erased": "the person's data has been erased",
    "processing_restricted": "the processing of the person's data is restricted (GDPR Art. 18): a privacy officer may "
    "permit this case, or lift the restriction",
    "reference_refused": "the reference does not lie in the store that the tenant's settings name, or there is none",
    "confirmation_old": "give your one-time code again, or sign in anew with your organisation's account: the last "
    "time is too long ago",
    "quota_spent": "your views of today are spent",
    "clock_set_back": "the clock of this machine has been set back: nothing is opened until it is right",
    "not_decidable": "the policy could not be evaluated, so nothing is opened: tell the operator",
}
"""A sentence for each reason of a refusal, to the person who asked."""
ORDER: Final = tuple(WORDS)
"""Which reason is told where several hold: the one that the person can do least about."""


class InvalidPolicy(ValueError):
    """The policy or its schema cannot be used: stop at start-up."""


class Decision(NamedTuple):
    """Whether, and if not, why: all reasons, the first to be told."""

    allowed: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return the reason that is told; empty where it is allowed."""
        return self.reasons[0] if self.reasons else ""

    @property
    def sentence(self) -> str:
        """Return the reason in words."""
        return WORDS[self.reason] if self.reasons else ""


class ImageryPolicy:
    """The policy in force. Raises `InvalidPolicy` where text, schema or names do not agree."""

    def __init__(self, policies: str, schema: str) -> None:
        self._policies, self._schema = policies, schema
        self.digest: Final = hashlib.sha256(policies.encode() + b"\0" + schema.encode()).hexdigest()
        """Which goes into each entry as the authority."""
        found = statements(policies, schema, "imagery", InvalidPolicy)
        self._names = names(found)
        forbids = {self._names[key] for key, each in found.items() if each["effect"] == "forbid"}
        if unknown := sorted(forbids - set(WORDS)):
            raise InvalidPolicy(f"a refusal has no words: {', '.join(repr(each) for each in unknown)}")

    def decide(self, request: Request) -> Decision:
        """Decide. Never raises: what cannot be decided is refused."""
        return self.decide_on(request.act, request.person(), request.resource(), request.context())

    def decide_on(self, act: str, person: Any, resource: Any, context: Any) -> Decision:
        """Decide on the facts as the policy names them; one that is missing or of another kind is a refusal."""
        entities = [
            {"uid": {"type": "Person", "id": "viewer"}, "attrs": person, "parents": []},
            {"uid": {"type": "Imagery", "id": "imagery"}, "attrs": resource, "parents": []},
        ]
        asked = {
            "principal": 'Person::"viewer"',
            "action": f'Action::"{act}"',
            "resource": 'Imagery::"imagery"',
            "context": context,
        }
        try:
            found = cedarpy.is_authorized(asked, self._policies, entities, self._schema)
        except Exception:  # noqa: BLE001 — whatever it is, nothing is opened
            return _UNDECIDED
        if found.diagnostics.errors or found.decision is cedarpy.Decision.NoDecision:
            return _UNDECIDED
        if found.decision is cedarpy.Decision.Allow:
            return Decision(True, ())
        names = {self._names[key] for key in found.diagnostics.reasons}
        return Decision(False, tuple(sorted(names, key=ORDER.index)) or ("no_role",))


_UNDECIDED: Final = Decision(False, ("not_decidable",))
