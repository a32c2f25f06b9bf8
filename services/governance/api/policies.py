"""Policies as the API and the pages ask them: by what is in the log of governance; nothing is signed here.

Who signs has a private key, which no browser is given: `proofwatch policy approve` signs where the key is.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.governance import policy
from proofwatch.governance.documents import Document
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.keyring import EYES
from proofwatch.governance.replica import Replica
from proofwatch.governance.scope import EVERYONE, InvalidScope, parse_scope
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.governance.api.bodies import Activation, Change, Policies, Policy, Proposal, Signature
from services.governance.core.difference import differences
from services.governance.core.history import history, name_of

MAY_READ: Final = (Act.READ_FIGURES, Act.PROPOSE_POLICY, Act.APPROVE_POLICY)
_NOT_THERE: Final = ("no_such_policy", "there is no such policy for you")


class _Known(NamedTuple):
    replica: Replica
    now_ms: int


class GovernedPolicies:
    """What a person may see of policies. Every call raises `Problem`."""

    def __init__(self, follower: Follower | None, file: policy.Policy, clock: Clock) -> None:
        """`follower` None: nobody governs policies, and `file` judges everybody."""
        self._follower, self._file, self._clock = follower, file, clock

    def listed(self, caller: Caller, scope: str = "") -> Policies:
        """Return what was, is and will be in force for whom, as far as it is there for who asks; and what waits."""
        who = caller.session
        _require(who)
        _readable(who, scope)
        known = self._known()
        found = [] if known is None else _activations(known, who, scope)
        return Policies(
            governed=known is not None,
            file=self._file.name,
            file_hash=self._file.hash,
            activations=found,
            proposals=[] if known is None or scope else _proposals(known, who),
        )

    def one(self, caller: Caller, policy_hash: str, against: str = "", scope: str = "") -> Policy:
        """Return a policy, who signed it, and what differs from another: by itself from what is in force."""
        who = caller.session
        _require(who)
        _readable(who, scope)
        known = self._known()
        if known is None:
            if policy_hash != self._file.hash or against not in ("", policy_hash):
                raise Problem(404, *_NOT_THERE)
            return self._shown(self._file, {}, None, (), self._file)
        document = _seen(known, who, policy_hash)
        other = _content(_seen(known, who, against)) if against else self._in_force(known, scope)
        documents = known.replica.documents
        return self._shown(
            _content(document),
            documents.signatures("policy", document.hash),
            documents.usable_since("policy", document.hash),
            documents.may_sign("policy", document.hash, known.now_ms),
            other,
        )

    def _in_force(self, known: _Known, scope: str) -> policy.Policy:
        named = parse_scope(scope or EVERYONE)
        segments = {named.segment_name: str(named.segment_value)} if named.segment_name else None
        return known.replica.at(known.now_ms).policy_for(named.tenant or EVERYONE, segments) or self._file

    def _shown(
        self,
        given: policy.Policy,
        signed: dict[str, int],
        usable_ms: int | None,
        may_sign: Iterable[str],
        other: policy.Policy,
    ) -> Policy:
        oldest = ((ms, who) for who, ms in signed.items())
        old, new = (orjson.loads(each.canonical()) for each in (other, given))
        return Policy(
            policy_hash=given.hash,
            name=given.name,
            signatures=[Signature(person=who, since=instant_of(ms)) for ms, who in sorted(oldest)],
            usable_since=None if usable_ms is None else instant_of(usable_ms),
            may_sign=sorted(may_sign) if usable_ms is None else [],
            against=other.name,
            against_hash=other.hash,
            changes=[Change(**each._asdict()) for each in differences(old, new)],
            document=new,
        )

    def _known(self) -> _Known | None:
        """Return the replica, and the time by which it is asked; None: nobody governs."""
        if self._follower is None:
            return None
        now_ms = self._clock.now_ms()
        try:
            self._follower.require(now_ms)
        except ReplicaBehind:
            raise Problem(503, "unavailable", "what is in force is not known yet; try again") from None
        return _Known(self._follower.replica, now_ms)


def may_read(who: Session) -> bool:
    """Return whether somebody may see policies at all."""
    return any(who.may(each) for each in MAY_READ)


def _require(who: Session) -> None:
    if not may_read(who):
        raise Problem(403, "role_missing", "policies are for analysts, checkers, researchers, authors and approvers")


def _readable(who: Session, scope: str) -> None:
    """Raise `Problem` unless a scope is one, and there for who asks; none named is."""
    if not scope:
        return
    try:
        named = parse_scope(scope)
    except InvalidScope as error:
        raise Problem(422, "malformed", f"scope: {error}") from None
    if named.tenant is not None and not who.sees(named.tenant):
        raise Problem(403, "tenant_not_yours", f"the policies of {named.tenant} are not there for you")


def _there(who: Session, scope: str) -> bool:
    return scope == EVERYONE or who.sees(scope.partition("/")[0])


def _activations(known: _Known, who: Session, scope: str) -> list[Activation]:
    return [
        Activation(
            scope=each.scope, mode=each.mode, policy_hash=each.hash, name=each.name,
            effective_from=_moment(each.effective_from), ends_at=_moment(each.ends_at) if each.ends_at else None,
            state=each.state, signed_by=list(each.approved_by), activated_by=each.activated_by, why=each.why,
        )
        for each in history(known.replica, "policy", scope or None, known.now_ms)
        if _there(who, each.scope)
    ]  # fmt: skip


def _proposals(known: _Known, who: Session) -> list[Proposal]:
    """Return what was never activated, for who sees every tenant: for whom it is meant, it does not say."""
    if who.tenants is not None:
        return []
    activated = {each.hash for each in history(known.replica, "policy", None, known.now_ms)}
    documents = known.replica.documents
    return [
        Proposal(
            policy_hash=each.hash, name=name_of(each.content), signed_by=sorted(signed),
            needs=max(0, EYES - len(signed)),
        )
        for each in documents.find("policy", "")
        if each.hash not in activated
        for signed in (documents.signatures("policy", each.hash),)
    ]  # fmt: skip


def _seen(known: _Known, who: Session, policy_hash: str) -> Document:
    found = known.replica.documents.get("policy", policy_hash)
    if found is not None and who.tenants is not None:
        scopes = {
            each.scope for each in history(known.replica, "policy", None, known.now_ms) if each.hash == found.hash
        }
        found = found if any(_there(who, each) for each in scopes) else None
    if found is None:
        raise Problem(404, *_NOT_THERE)
    return found


def _content(document: Document) -> policy.Policy:
    content: Any = document.content
    assert isinstance(content, policy.Policy), "it was asked for as a policy"
    return content


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
