"""A deed on many cases in PostgreSQL: a result for each, kept with the deed, so that it is done once.

Some cases at a time, each of these a transaction: a process that ends amid them leaves whole cases, done or not, and
whoever asks again with the same key has the rest done.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.access.errors import AccessDenied
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry
from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import session, transaction
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.desk_reads import lock_all, locked_cases, named_worker
from services.triage.adapters.desk_writes import OF_MANY
from services.triage.adapters.orders import WITH_PARTS, Order
from services.triage.core.assignments import NOTHING, CaseNow, Refusal, Worker, is_there

AT_ONCE: Final = 100
CHANGED: Final = "the case has changed since you looked, and nothing was done with it"
NOT_THERE: Final = "there is no such case for you"

_BEGIN: Final = """
insert into triage.bulks(person_id, key, digest, begun_at) values($1, $2, $3, $4) on conflict do nothing"""
_DIGEST: Final = "select digest from triage.bulks where person_id = $1 and key = $2"
_DONE: Final = """
select case_id from triage.bulk_results where person_id = $1 and key = $2 and case_id = any($3::text[])"""
_SEEN: Final = """
select case_id, revision || '.' || version as seen from triage.cases where case_id = any($1::text[])"""
_KEEP: Final = """
insert into triage.bulk_results(person_id, key, number, case_id, code, detail, seen)
select $1, $2, * from unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[]) on conflict do nothing"""
_RESULTS: Final = """
select case_id, code, detail, seen from triage.bulk_results where person_id = $1 and key = $2 order by number"""


class Named(NamedTuple):
    """A case, and as which it was seen."""

    case_id: str
    seen: str


class Outcome(NamedTuple):
    """What became of one: `code` done, unchanged, case_changed, no_such_case, or why it was refused.

    `detail`: that in a sentence, where it was not done; `seen`: as which it is seen since, if it is there.
    """

    case_id: str
    code: str
    detail: str
    seen: str | None


class KeyReused(AccessDenied):
    """The key is that of something else that was asked."""

    def __init__(self) -> None:
        super().__init__("this key was used for something else: name another")


class Gathered:
    """Writes of many cases, sent together: each statement once, with the rows of all, as one (`OF_MANY`) or in a row.

    What one case needs in an order has it, since each statement comes when its first row did, and rows of different
    cases do not meet. Whoever reads first has everything sent.
    """

    def __init__(self, tx: Any) -> None:
        self._tx = tx
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    async def execute(self, query: str, *arguments: Any) -> None:
        """Keep it until `send`."""
        self._rows.setdefault(query, []).append(arguments)

    async def fetch(self, query: str, *arguments: Any) -> Any:
        """Send, then read."""
        await self.send()
        return await self._tx.fetch(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Send, then read."""
        await self.send()
        return await self._tx.fetchval(query, *arguments)

    def transaction(self) -> "_Point":
        """Return a savepoint, before which all that was kept is sent."""
        return _Point(self, self._tx.transaction())

    async def send(self) -> None:
        """Send what was kept."""
        rows, self._rows = self._rows, {}
        for query, given in rows.items():
            if query in OF_MANY:
                columns = zip(*given, strict=True)
                await self._tx.execute(query, *([each for part in column for each in part] for column in columns))
            else:
                await self._tx.executemany(query, given)


class _Point:
    """A savepoint amid writes that are sent together."""

    def __init__(self, writes: Gathered, point: Any) -> None:
        self._writes, self._point = writes, point

    async def start(self) -> None:
        await self._writes.send()
        await self._point.start()

    async def commit(self) -> None:
        await self._writes.send()
        await self._point.commit()

    async def rollback(self) -> None:
        await self._point.rollback()


class PostgresBulk:
    """The desk for many cases at once."""

    def __init__(self, desk: PostgresDesk, at_once: int = AT_ONCE) -> None:
        """`at_once`: so many cases are one transaction."""
        self._desk, self._at_once = desk, at_once

    async def do(self, key: str, order: Order, named: Sequence[Named], token: str, now: datetime) -> list[Outcome]:
        """Do a deed to each case that is still as it was seen; return what became of each, in the order of `named`.

        What was done under this key of theirs before is told, and not done again.
        Raises `NoSession`, `NotAllowed`, `KeyReused`.
        """
        asking = await self._desk.session(token, now)
        async with transaction(self._desk.pool, "cases") as tx:
            digest = hashlib.sha256(msgspec.json.encode((order, named))).digest()
            await tx.execute(_BEGIN, asking.person_id, key, digest, now)
            if await tx.fetchval(_DIGEST, asking.person_id, key) != digest:
                raise KeyReused
        places = sorted(enumerate(named), key=lambda each: each[1].case_id)
        for begin in range(0, len(places), self._at_once):
            await self._some(key, order, places[begin : begin + self._at_once], asking, now)
        return await self.results(key, asking)

    async def results(self, key: str, asking: Session) -> list[Outcome]:
        """Return what became of each case that this person named under a key; of none, an empty list."""
        async with session(self._desk.pool, "cases") as connection:
            rows = await connection.fetch(_RESULTS, asking.person_id, key)
        return [Outcome(**row) for row in rows]

    async def _some(
        self, key: str, order: Order, places: Sequence[tuple[int, Named]], asking: Session, now: datetime
    ) -> None:
        ids = [each.case_id for _, each in places]
        into = [order.into] if order.into else []
        async with transaction(self._desk.pool, "cases") as tx:
            acting = await self._desk.acting(tx, asking.session_id, now)
            await lock_all(tx, *ids, *into, with_parts=order.deed in WITH_PARTS)
            done = {row["case_id"] for row in await tx.fetch(_DONE, acting.person_id, key, ids)}
            cases = await locked_cases(tx, [*ids, *into], now)
            there = {case_id: case for case_id, case in cases.items() if is_there(case[0], acting)}
            to = await named_worker(tx, order.to) if order.to else None
            other = there[order.into][0] if order.into in there else None
            some = Some(order, acting, now, to, other)
            left = [(number, each) for number, each in places if each.case_id not in done]
            found = await self._each(tx, some, [each for _, each in left], there)
            seen = {row["case_id"]: row["seen"] for row in await tx.fetch(_SEEN, [*there])}
            rows = [(number, *said, seen.get(said[0])) for (number, _), said in zip(left, found, strict=True)]
            if rows:
                await tx.execute(_KEEP, acting.person_id, key, *map(list, zip(*rows, strict=True)))

    async def _each(
        self, tx: Any, some: "Some", named: Sequence[Named], there: Mapping[str, tuple[CaseNow, str]]
    ) -> list[tuple[str, str, str]]:
        gathered, entries, found = Gathered(tx), list[Entry](), list[tuple[str, str, str]]()
        for each in named:
            case = there.get(each.case_id)
            if case is None:
                found.append((each.case_id, "no_such_case", NOT_THERE))
            elif case[1] != each.seen:
                found.append((each.case_id, "case_changed", CHANGED))
            else:
                change = self._desk.orders.decided(
                    some.order, case[0], some.acting, some.now, to=some.to, other=some.other
                )
                entries += await self._desk.orders.settled(gathered, some.order, case[0], change, some.acting, some.now)
                if isinstance(change, Refusal):
                    found.append((each.case_id, change.why, change.sentence))
                else:
                    found.append((each.case_id, "unchanged" if change == NOTHING else "done", ""))
        await gathered.send()
        if entries:
            await enter(tx, *entries)
        return found


class Some(NamedTuple):
    """What holds for the cases of one transaction; `to`, `other`: as `Orders.decided` has them."""

    order: Order
    acting: Session
    now: datetime
    to: Worker | None
    other: CaseNow | None
