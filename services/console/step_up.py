"""Signing in afresh with the provider, in a session that goes on: what a one-time code is to who has one here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from proofwatch.access.claims import ClaimMap, shown_at
from proofwatch.access.fresh_sign_in import PostgresFreshSignIns, Why
from proofwatch.access.session import Session
from proofwatch.oidc.id_token import sid_in
from proofwatch.oidc.provider import Fresh
from proofwatch.web.problems import Problem

_SENTENCES: Final[Mapping[str, str]] = {
    "other_person": "somebody else signed in with your organisation's account than is signed in here",
    "session_over": "the session in which you began this is over: sign in first",
    "second_factor_untold": "nobody has said here by what your organisation's provider tells that a second factor was "
    "shown: the operator names it in the file of claims (second_factor)",
    "second_factor_missing": "your organisation's provider does not say that you showed a second factor",
    "auth_time_missing": "your organisation's provider does not say when you signed in (auth_time): tell the admin",
    "auth_time_old": "your organisation's provider did not ask you to sign in anew: it says that you did so before",
    "auth_time_ahead": "your organisation's provider says that you will sign in later than now: one of both clocks is "
    "wrong, tell the operator",
}
_OTHERWISE: Final = "your organisation's provider did not confirm that it was you"


class StepUp:
    """What is asked of the provider so that a session counts as freshly confirmed."""

    def __init__(self, store: PostgresFreshSignIns, table: ClaimMap) -> None:
        self._store, self._table = store, table

    async def fresh(self, session: Session) -> Fresh:
        """Return what is asked for. Raises `Problem` for who has a password here, and no account at the provider."""
        if await self._store.whose(session.session_id) is None:
            said = "you signed in with a password and a one-time code of this house: these are asked for there"
            raise Problem(403, "local_account", said)
        return Fresh(self._table.second_factor.acr)

    async def finish(
        self, session_id: str, begun_at: datetime, issuer: str, proven: Mapping[str, Any], again: str | None,
        now: datetime,
    ) -> None:  # fmt: skip
        """Confirm a session by the claims of an ID token. Raises `Problem`, and that is an entry.

        `again`: what the provider is asked with from now on, if it gave anything new.
        """
        at = shown_at(proven, self._table, begun_at, now)
        who = issuer, str(proven["sub"])
        if isinstance(at, str):
            whose = await self._store.whose(session_id)
            other = whose is not None and (whose.issuer, whose.subject) != who
            raise await self.refused(session_id, "other_person" if other else at, now)
        why = await self._store.confirm(session_id, who, at, again, now, sid_in(proven))
        if why is not None:
            raise _problem(why)

    async def is_of_provider(self, session_id: str) -> bool:
        """Return whether a session is of somebody who came by the provider."""
        return await self._store.whose(session_id) is not None

    async def refused(self, session_id: str, why: Why, now: datetime) -> Problem:
        """Return what is told to who was not believed; it is an entry."""
        await self._store.refuse(session_id, why, now)
        return _problem(why)


def _problem(why: str) -> Problem:
    said = _SENTENCES.get(why, _OTHERWISE)
    return Problem(403, "not_confirmed", f"{said}; imagery stays closed, and all else goes on")
