"""Bringing documents into force: activate, roll back, withdraw."""

import argparse

from proofwatch.events.types import Activation
from proofwatch.governance.activations import Mode, TimelineKey
from proofwatch.governance.documents import Document
from proofwatch.governance.scope import EVERYONE, parse_scope
from proofwatch.governance.tenant import Tenant
from proofwatch.instants import instant_of
from services.governance import output
from services.governance.config import Settings
from services.governance.core.history import before, name_of
from services.governance.document_commands import POLICIES, DocumentCommands, show_changes
from services.governance.governed_log import GovernedLog, RequestRefused, open_log
from services.governance.keys import read_key


async def activate(commands: DocumentCommands, args: argparse.Namespace) -> int:
    """Bring an approved document into force for a scope."""
    async with open_log(args, governed=True) as log:
        document = commands.in_log(log, args.hash)
        about = document.content
        scope = about.tenant if isinstance(about, Tenant) else args.scope
        mode: Mode = "shadow" if getattr(args, "shadow", False) else "live"
        return await _activate(
            log, args, document, TimelineKey(commands.kind, mode, scope), getattr(args, "ends_at", None)
        )


async def rollback(args: argparse.Namespace) -> int:
    """Bring back what was in force before."""
    async with open_log(args, governed=True) as log:
        line = TimelineKey("policy", "live", args.scope)
        found = before(log.replica, line, _from_ms(log, args))
        if found is None:
            raise RequestRefused(f"no policy is in force for {args.scope}; `proofwatch policy history` shows what was")
        current, earlier = found
        if earlier is None:
            raise RequestRefused(
                f"nothing else was in force for {args.scope} before {current.hash}; "
                f"`proofwatch policy withdraw --scope {args.scope}` lets the next wider scope decide"
            )
        return await _activate(log, args, POLICIES.in_log(log, earlier.hash), line, None)


async def withdraw(args: argparse.Namespace) -> int:
    """End what is in force for a scope: then the next wider one decides, or the shadow ends."""
    async with open_log(args, governed=True) as log:
        line = TimelineKey("policy", "shadow" if args.shadow else "live", args.scope)
        from_ms = _from_ms(log, args)
        live = log.replica.activations.live(line, from_ms)
        inside = log.replica.activations.beside(line, from_ms) if args.shadow else (live,) if live else ()
        found = [entry for entry in inside if not args.shadow or entry.hash.startswith(args.shadow)]
        if len(found) != 1:
            raise RequestRefused(
                f"{len(found)} such policies are in force for {args.scope}; `policy history` shows them"
            )
        return await _activate(log, args, POLICIES.in_log(log, found[0].hash), line, from_ms)


async def _activate(
    log: GovernedLog, args: argparse.Namespace, document: Document, line: TimelineKey, ends_ms: int | None
) -> int:
    parse_scope(line.scope)
    from_ms = _from_ms(log, args)
    signer = read_key(args.key or Settings.read().key_file)
    activation = signer.activate(
        Activation(
            schema_version=1,
            document_kind=line.kind,
            scope=line.scope,
            document_hash=document.hash,
            mode=line.mode,
            effective_from=instant_of(from_ms),
            ends_at=None if ends_ms is None else instant_of(ends_ms),
            key_id=signer.key_id,
            signature="",
            published_at=instant_of(log.now_ms),
        )
    )
    log.rehearse([activation])
    if any(entry.from_ms == from_ms for entry in log.replica.activations.effective(line)):
        raise RequestRefused(f"something is to take effect for {line.scope} at that very time; choose another")
    ends = ends_ms == from_ms
    if not ends:
        show_changes(log, document, None if line.scope == EVERYONE else line.scope, Settings.read().policy_file)
    whom = "everyone" if line.scope == EVERYONE else line.scope
    verb = "ends" if ends else "takes effect" if line.mode == "live" else "is judged as a shadow"
    what = f"{line.kind} {name_of(document.content)} {document.hash} {verb} for {whom} from {_said(from_ms)}"
    if ends_ms is not None and not ends:
        what += f" to {_said(ends_ms)}; then the next wider scope decides"
    if not output.confirm(args, what):
        return 0
    await log.publish([activation])
    output.print_line(f"activated: {what}")
    return 0


def _from_ms(log: GovernedLog, args: argparse.Namespace) -> int:
    return log.earliest_ms() if args.effective_from is None else int(args.effective_from)


def _said(ms: int) -> str:
    return instant_of(ms).isoformat().replace("+00:00", "Z")
