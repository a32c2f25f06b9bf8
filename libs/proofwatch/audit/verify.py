"""Whether an export is what a log signed: strict, offline, and clear about what it does not exclude."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint, Cosigned, cosigners
from proofwatch.audit.export import InvalidExport, Keys, Part
from proofwatch.audit.forks import ForkProof
from proofwatch.audit.history import History, Met
from proofwatch.audit.keys import vouched
from proofwatch.audit.merkle import Range
from proofwatch.audit.note import InvalidNote, Note, VerifierKey
from proofwatch.audit.policy import Policy
from proofwatch.audit.published import Fault, Published, of_log, published

State = Literal["INVALID", "CONSISTENT, UNWITNESSED", "WITNESSED"]
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the log's clock and a witness's may be apart, with the time that a cosignature takes."""


class Files(Protocol):
    """The files of an export."""

    def lines(self, name: str) -> Iterable[bytes]:
        """Return the lines of a file, each with its newline."""
        ...

    def body(self, name: str) -> bytes | None:
        """Return a file; None: there is none."""
        ...


class Trust(NamedTuple):
    """What the verifier has from elsewhere: the log's keys, a checkpoint of earlier, a policy of witnesses."""

    keys: Sequence[VerifierKey] = ()
    since: Note | None = None
    policy: Policy | None = None


class Verdict(NamedTuple):
    """What an export is worth. `fault`: why it is invalid; `not_excluded`: what it may hide nevertheless.

    `entry`, `until`: one or more of the entries from that to this one are at fault; None: which cannot be said.
    """

    state: State
    checkpoint: Checkpoint | None = None
    entries: int = 0
    fault: str = ""
    where: str = ""
    entry: int | None = None
    fork: ForkProof | None = None
    cosigned: tuple[Cosigned, ...] = ()
    not_excluded: tuple[str, ...] = ()
    until: int | None = None


class CannotCompare(ValueError):
    """The earlier checkpoint lies outside the part of the log that was exported; nothing is said of the export."""


def verify(files: Files, trust: Trust, progress: Callable[[int], None] = lambda entries: None) -> Verdict:
    """Return the verdict on an export. `progress` is told the number of entries so far. Raises `CannotCompare`."""
    try:
        return _verified(files, trust, progress)
    except Fault as fault:
        return Verdict("INVALID", None, 0, fault.message, fault.where, fault.entry, fault.fork, until=fault.until)


def _verified(files: Files, trust: Trust, progress: Callable[[int], None]) -> Verdict:
    keys = _keys(files)
    given = _part(files)
    notes = published(
        files.lines(export.CHECKPOINTS), _body(files, export.CHECKPOINT), keys, given.checkpoints if given else None
    )
    last = notes[-1]
    part = given or Part(Range.empty(), Range.empty(last.checkpoint.size))
    _check_extent(notes, part)
    _check_trust(trust, keys, notes, part)
    history = History(_with_earlier(trust.since, keys, notes, part), keys.log, part)
    history.walk(files.lines(export.ENTRIES), progress)
    policy = trust.policy or Policy()
    witnesses = list(policy.witnesses.values())
    _check_clocks(history.met, witnesses)
    cosigned = tuple(_cosigners(last.note, witnesses))
    witnessed = policy.quorum is not None and policy.holds([each.witness for each in cosigned])
    return Verdict(
        "WITNESSED" if witnessed else "CONSISTENT, UNWITNESSED",
        last.checkpoint,
        part.after.begin - part.before.end,
        cosigned=cosigned,
        not_excluded=_not_excluded(trust, part, keys, witnessed),
    )


def _keys(files: Files) -> Keys:
    try:
        return export.keys_of(_body(files, export.KEYS))
    except (InvalidExport, InvalidNote) as error:
        raise Fault(export.KEYS, str(error)) from None


def _part(files: Files) -> Part | None:
    body = files.body(export.RANGE)
    if body is None:
        return None
    try:
        part = export.part_of(body)
    except InvalidExport as error:
        raise Fault(export.RANGE, str(error)) from None
    if not part.before.end and part.after.begin == part.after.end:
        raise Fault(export.RANGE, "an export of the whole log has no such file")
    return part


def _body(files: Files, name: str) -> bytes:
    body = files.body(name)
    if body is None:
        raise Fault(name, "the file is not there")
    return body


def _check_extent(notes: Sequence[Published], part: Part) -> None:
    last = notes[-1].checkpoint.size
    if part.after.end != last:
        message = f"it speaks of a log of {part.after.end} entries, and the checkpoint of {last}"
        raise Fault(export.RANGE, message)
    for one in notes:
        size = one.checkpoint.size
        if size < part.before.end or part.after.begin < size < part.after.end:
            raise Fault(export.CHECKPOINTS, f"the checkpoint of {size} entries is not of the part that was exported")


def _check_trust(trust: Trust, keys: Keys, notes: Sequence[Published], part: Part) -> None:
    known = [*trust.keys, *(trust.policy.logs if trust.policy else ())]
    if known and not vouched(known, [(each.checkpoint.size, each.signers) for each in notes], keys.log):
        names = ", ".join(f"{each.name} ({each.id.digest.hex()})" for each in known)
        hint = "; if the key was replaced, export from before that on" if part.before.end else ""
        raise Fault(export.CHECKPOINT, f"neither {names} nor a key that it vouches for has signed{hint}")


def _with_earlier(since: Note | None, keys: Keys, notes: Sequence[Published], part: Part) -> list[Published]:
    """Return the checkpoints with that of earlier among them."""
    if since is None:
        return list(notes)
    try:
        earlier = of_log(since, keys)
    except InvalidNote as error:
        raise Fault("the earlier checkpoint", str(error)) from None
    size, end = earlier.checkpoint.size, part.after.end
    if not earlier.signers:
        raise Fault("the earlier checkpoint", "no key of this log has signed it")
    if size > end:
        message = f"the log was rolled back: it had {size} entries then, and has {end} now"
        raise Fault(export.CHECKPOINT, message, end, until=size - 1)
    if size < part.before.end or part.after.begin < size < end:
        raise CannotCompare(f"the earlier checkpoint has {size} entries: export the log from there on, or whole")
    return sorted([earlier, *notes], key=lambda each: each.checkpoint.size)


def _check_clocks(met: Iterable[Met], witnesses: Sequence[VerifierKey]) -> None:
    """Hold what the log says of time against what witnesses say."""
    for one in met:
        for witness, seconds in _cosigners(one.published.note, witnesses):
            at, size = datetime.fromtimestamp(seconds, UTC), one.published.checkpoint.size
            if one.last is not None and one.last > at + _CLOCKS_DIFFER:
                raise _wrong_clock(size - 1, one.last, f"and {witness.name} had seen it at {at.isoformat()}")
            if one.following is not None and one.following < at - _CLOCKS_DIFFER:
                raise _wrong_clock(
                    size, one.following, f"and {witness.name} had seen no such entry at {at.isoformat()}"
                )


def _wrong_clock(index: int, logged: datetime, words: str) -> Fault:
    return Fault(export.ENTRIES, f"entry {index} says it was logged at {logged.isoformat()}, {words}", index)


def _cosigners(note: Note, witnesses: Sequence[VerifierKey]) -> list[Cosigned]:
    try:
        return cosigners(note, witnesses)
    except InvalidNote as error:
        raise Fault(export.CHECKPOINTS, str(error)) from None


def _not_excluded(trust: Trust, part: Part, keys: Keys, witnessed: bool) -> tuple[str, ...]:
    said = []
    if not trust.keys and not (trust.policy and trust.policy.logs):
        known = ", ".join(each.text() for each in keys.log.signing(part.after.end))
        said.append(f"another log under the same name: compare the key with what the operator published: {known}")
    if not witnessed:
        said.append("a fork: others may have been shown another history under the same key (no quorum of witnesses)")
        if trust.since is None:
            said.append("a rollback: entries after these may have been cut off, or all written anew with the key")
    if part.before.end or part.after.begin < part.after.end:
        said.append("anything about the entries that are not in this part, but that they were not changed since")
    said.append("acts that were never entered")
    return tuple(said)
