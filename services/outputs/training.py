"""The act of a training export: read, judge each subject by its consent, write, look again, enter, hand over.

They are written beside their place, and get there in the transaction that enters it, in which consents and
restrictions are read once more; what was withdrawn or restricted meanwhile has all of it written anew. Whatever
fails is entered as failed, and what cannot be entered is taken back and removed. Who dies between the two leaves a set
whose only entry is that the door let it be read (`data.asked`, granted, before anything was): one without an outcome
counts as handed over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from proofwatch.audit.entry import Entry, Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import transaction
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.consent_words import require_read
from proofwatch.governance.release import Denied
from proofwatch.instants import instant_of
from proofwatch.new_file import NotNew
from proofwatch.new_folder import beside, hand_over, said, take_back
from proofwatch.privacy.key_encryption import KeyEncryption
from proofwatch.runtime.clock import Clock
from services.outputs.core.training import PURPOSE, Stand, Truth, closed, judged
from services.outputs.training_files import write
from services.outputs.training_sources import Proof, stands, transactions, truths

if TYPE_CHECKING:
    import asyncpg

EXPORTED: Final = "training.exported"
_TRIES: Final = 5
_USER: Final = "export"


class Moving(Exception):
    """Consents or restrictions changed each time that the set was written; nothing was handed over."""


class Ask(NamedTuple):
    """What is asked for: whose data, logged from when on, where to, by whom and why."""

    tenant: str
    since_ms: int
    folder: Path
    by: str
    reason: str


class Exported(NamedTuple):
    """What was handed over: how many rows, what was withheld by reason, the manifest's SHA-256."""

    rows: int
    withheld: Mapping[str, int]
    left_out: int
    manifest: str


async def export(
    ask: Ask,
    bus: Bus,
    pool: "asyncpg.Pool",
    secret: bytes,
    clock: Clock,
    wire: Wire = JSON,
    keys: KeyEncryption | None = None,
) -> Exported:
    """Write the set into a folder that is not there yet.

    Raises `NotNew` where none can be, before anything is read, `Denied`, `ConsentsBehind`, `Moving`, `BusError`.

    `keys`: what wraps data keys, once consents are known by tags under them.
    """
    if refused := closed():
        async with transaction(pool, _USER) as tx:
            await enter(tx, _entry(ask, clock, {"refused": refused.reason.value}, outcome="denied"))
        raise Denied(refused)
    try:
        with beside(ask.folder) as partial:
            return await _made(ask, bus, pool, secret, clock, wire, keys, partial)
    except Exception as error:
        why = "not_written" if isinstance(error, NotNew) else type(error).__name__
        with suppress(Exception):  # then one that was let through has no outcome, and counts as handed over
            async with transaction(pool, _USER) as tx:
                await enter(tx, _entry(ask, clock, {"why": why}, outcome="failed"))
        raise


async def _made(
    ask: Ask,
    bus: Bus,
    pool: "asyncpg.Pool",
    secret: bytes,
    clock: Clock,
    wire: Wire,
    keys: KeyEncryption | None,
    partial: Path,
) -> Exported:
    proofs = await transactions(bus, ask.tenant, ask.since_ms, secret, wire)
    marks, tags = {proof.mark for proof in proofs}, PostgresTags(keys)
    async with transaction(pool, _USER) as tx:
        known = await truths(tx, ask.tenant, {proof.event.transaction_id for proof in proofs})
        await require_read(tx, bus)
        states = await stands(tx, tags, ask.tenant, marks, _now(clock))
    for _ in range(_TRIES):
        with said(ask.folder):
            done = _written(ask, partial, proofs, known, states)
        again = await _handed_over(ask, bus, pool, tags, clock, states, done)
        if again == states:
            return done
        states = again
    raise Moving(f"consents or restrictions of {ask.tenant} changed {_TRIES} times while it was written; try again")


async def _handed_over(
    ask: Ask,
    bus: Bus,
    pool: "asyncpg.Pool",
    tags: PostgresTags,
    clock: Clock,
    states: Mapping[str, Stand],
    done: Exported,
) -> Mapping[str, Stand]:
    """Return the consents as they are now; if they are those that it was written by, it is handed over and entered."""
    details: dict[str, str | int] = {"rows": done.rows, "left_out": done.left_out, "manifest": done.manifest}
    details |= {f"withheld.{reason}": count for reason, count in done.withheld.items()}
    there = False
    try:
        async with transaction(pool, _USER) as tx:
            await require_read(tx, bus)
            again = await stands(tx, tags, ask.tenant, states.keys(), _now(clock))
            if again == states:
                await enter(tx, _entry(ask, clock, details))
                hand_over(ask.folder)
                there = True
    except BaseException:
        if there:
            take_back(ask.folder)
        raise
    return again


def _written(
    ask: Ask, partial: Path, proofs: Sequence[Proof], known: Mapping[str, Truth], states: Mapping[str, Stand]
) -> Exported:
    rows: list[dict[str, Any]] = []
    withheld: Counter[str] = Counter()
    left_out = 0
    for proof in proofs:
        found = judged(proof.event, known.get(proof.event.transaction_id, Truth()), states[proof.mark])
        if found.withheld:
            withheld[found.withheld.value] += 1
        if found.row is None:
            left_out += 1
        else:
            rows.append(found.row)
    rows.sort(key=msgspec.json.encode)  # not in the order of the log, which would tell whose are whose
    about = {
        "purpose": PURPOSE.value,
        "since": instant_of(ask.since_ms).isoformat(),
        "withheld": dict(sorted(withheld.items())),
        "left_out": left_out,
    }
    return Exported(len(rows), dict(sorted(withheld.items())), left_out, write(partial, rows, about))


def _entry(ask: Ask, clock: Clock, details: Mapping[str, str | int], outcome: Any = "done") -> Entry:
    about = Object("training_set", ask.folder.name)
    made = act(
        EXPORTED,
        person(ask.by),
        _now(clock),
        about,
        tenant=ask.tenant,
        reason=ask.reason,
        details=details,
        outcome=outcome,
    )  # its id is drawn: each export is an act of its own, also the same one again
    return msgspec.structs.replace(made, purpose=PURPOSE)


def _now(clock: Clock) -> datetime:
    return instant_of(clock.now_ms())
