"""The log as the API and the pages ask it: an entry first, then what is there for who asks; problems are raised.

Whose entries somebody may read is their role's to say: all, what people do with cases and imagery ("team"), who asked
for imagery and saw it ("views"), or their own. Where somebody has several, the widest serves.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, Object
from proofwatch.bus.errors import BusError
from proofwatch.exits.door import SignedIn, ask
from proofwatch.exits.standing import BY_LAW
from proofwatch.exits.table import AUDIT, AUDIT_PAGES, Exit
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.auditor.adapters.log_reader import LogReader
from services.auditor.adapters.log_search import FARTHEST, LogSearch, Sought, read
from services.auditor.api.bodies import Entries, Outcome, Scope, Step, Verified
from services.auditor.api.bodies import Entry as EntryBody
from services.auditor.api.shown import People, shown_listed, shown_whole
from services.auditor.api.verifying import Proved, proved

if TYPE_CHECKING:
    import asyncpg

USUAL: Final = timedelta(days=30)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXITS: Final[Mapping[Scope, Exit]] = {
    "all": AUDIT["audit search"],
    "team": AUDIT_PAGES["audit team"],
    "views": AUDIT_PAGES["audit views"],
    "own": AUDIT["audit search --own"],
}
"""The widest first."""
_AMONG: Final[Mapping[Scope, tuple[str, ...] | None]] = {
    "all": None, "team": ("case.%", "cases.%", "imagery.%"), "views": ("imagery.%", "cases.read"), "own": None,
}  # fmt: skip
_NOT_THERE: Final = ("no_such_entry", "there is no such entry for you")


class Looked(NamedTuple):
    """What is looked for; empty: anything. `about`: kind:id."""

    scope: Scope | None = None
    action: str = ""
    who: str = ""
    tenant: str = ""
    outcome: Outcome | None = None
    about: str = ""
    since: datetime | None = None
    before: int = 0


class _Found(NamedTuple):
    entry: Entry | None
    leaf: bytes
    hash: bytes


class AuditLog:
    """What a person may see of the log. Every call raises `Problem`, and leaves an entry."""

    def __init__(self, pool: "asyncpg.Pool", clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._search, self._reader = LogSearch(pool), LogReader(pool)

    async def entries(self, caller: Caller, looked: Looked, limit: int) -> Entries:
        """Return the newest entries that are looked for and there for who asks."""
        scopes = scopes_of(caller.session)
        scope = _chosen(looked, scopes)
        since = looked.since or instant_of(self._clock.now_ms()) - USUAL
        if since.tzinfo is None or since < _EARLIEST:
            raise Problem(422, "malformed", "since: must say its offset from UTC and lie after 1970")
        tenant = looked.tenant or _only(caller.session)
        with _refusals():
            await self._ask(caller, scope, tenant, _named(looked.about))
            sought = await self._sought(caller.session, scope, looked, since, tenant)
            found = await self._search.find(sought, limit + 1)
            signed = await self._search.signed()
            people = await self._people([entry for _, entry in found if entry])
        page = found[:limit]
        return Entries(
            scope=scope,
            scopes=scopes,
            since=since,
            signed=signed,
            entries=[shown_listed(index, entry, signed, people) for index, entry in page if entry],
            unreadable=[index for index, entry in page if not entry],
            next=page[-1][0] if len(found) > limit else None,
        )

    async def entry(self, caller: Caller, index: int) -> EntryBody:
        """Return an entry whole, and the checkpoint that has left with it."""
        with _refusals():
            found = await self._one(caller, index)
            holding = await self._search.holding(index)
            if found.entry is None:
                raise Problem(409, "entry_unreadable", "what is there is no entry: it was changed; verify it")
            people = await self._people([found.entry])
        return shown_whole(index, found.entry, found.hash, holding, people)

    async def verified(self, caller: Caller, index: int) -> Verified:
        """Check an entry against the tree and the newest checkpoint that has left; say what was checked."""
        with _refusals():
            found = await self._one(caller, index)
            done = await proved(self._reader, index, found.leaf, found.hash)
        return Verified(
            index=index,
            proved=all(each.holds for each in done.steps),
            steps=[Step(holds=each.holds, says=each.says) for each in done.steps],
            proof=None if done.proof is None else base64.b64encode(done.proof).decode(),
            leaf=base64.b64encode(found.leaf).decode(),
        )

    async def proof(self, caller: Caller, index: int) -> Proved:
        """Return the proof as a file, and the leaf."""
        with _refusals():
            found = await self._one(caller, index)
            done = await proved(self._reader, index, found.leaf, found.hash)
        if done.proof is None:
            raise Problem(404, "not_proved_yet", "no checkpoint has left with this entry yet: try again in a minute")
        return done

    async def _one(self, caller: Caller, index: int) -> _Found:
        """Return an entry that is there for who asks, once it is on record that they ask."""
        leaf = await self._search.leaf(index) if 0 <= index < FARTHEST else None
        found = None if leaf is None else _Found(read(leaf.body), leaf.body, leaf.hash)
        scopes = scopes_of(caller.session)
        scope = next((each for each in scopes if found and _is_there(caller.session, each, found.entry)), None)
        about = (Object("entry", str(index)),)
        if scope is None or found is None:
            await self._ask(
                caller, "own" if "own" in scopes else next(iter(scopes), "all"), _only(caller.session), about
            )
            raise Problem(404, *_NOT_THERE)
        await self._ask(caller, scope, (found.entry and found.entry.tenant) or _only(caller.session), about)
        return found

    async def _ask(self, caller: Caller, scope: Scope, tenant: str | None, about: tuple[Object, ...]) -> None:
        now = instant_of(self._clock.now_ms())
        await ask(self._pool, _EXITS[scope], tenant, SignedIn(caller.session), BY_LAW, now, about=about)

    async def _sought(self, who: Session, scope: Scope, looked: Looked, since: datetime, tenant: str | None) -> Sought:
        actors = [who.person_id] if scope == "own" else None
        if looked.who and scope != "own":
            actors = await self._search.ids(looked.who)
        action = looked.action.replace("_", r"\_").replace("*", "%") or None
        tenants = [tenant] if tenant else None
        if scope == "own" and not looked.tenant:
            tenants = None
        objects = _named(looked.about)
        return Sought(
            since, looked.before or FARTHEST, action, _AMONG[scope], actors, tenants, looked.outcome,
            objects[0] if objects else None,
        )  # fmt: skip

    async def _people(self, entries: list[Entry]) -> People:
        ids = [each.actor.id for each in entries if each.actor.kind == "person"]
        ids += [each.authority.second_person for each in entries if each.authority.second_person]
        return await self._search.names(ids)


def scopes_of(who: Session) -> list[Scope]:
    """Return whose entries somebody may read, the widest first."""
    return [scope for scope, exit_ in _EXITS.items() if who.may(exit_.act)]


def _chosen(looked: Looked, scopes: Sequence[Scope]) -> Scope:
    """Return the scope that is asked for, or the widest; who has none is refused for want of the widest."""
    if looked.scope is not None:
        return looked.scope
    return scopes[0] if scopes else "all"


def _is_there(who: Session, scope: Scope, entry: Entry | None) -> bool:
    """Return whether a scope has an entry, and its tenant is there for who asks.

    What is no entry any more is there for who reads the whole log.
    """
    if entry is None:
        return scope == "all" and who.tenants is None
    if scope == "own":
        return entry.actor.id == who.person_id
    if who.tenants is not None and entry.tenant not in who.tenants:
        return False
    among = _AMONG[scope]
    return among is None or any(_fits(entry.action, each) for each in among)


def _fits(action: str, pattern: str) -> bool:
    return action.startswith(pattern[:-1]) if pattern.endswith("%") else action == pattern


def _only(who: Session) -> str | None:
    """Return the one tenant of who has one: they need not name it."""
    return next(iter(who.tenants)) if who.tenants is not None and len(who.tenants) == 1 else None


def _named(about: str) -> tuple[Object, ...]:
    kind, colon, name = about.partition(":")
    return (Object(kind, name),) if colon else ()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NotAllowed as error:
        code = "tenant_not_yours" if "there for you" in str(error) else "role_missing"
        raise Problem(403, code, str(error)) from None
    except BusError:
        raise Problem(503, "unavailable", "the database does not answer; nothing was read") from None
