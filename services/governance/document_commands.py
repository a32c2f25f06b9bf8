"""Looking at documents: check a file, compare two, show one and its history."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from proofwatch.governance.documents import Document, Kind, document_of
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.governance.tenant import Tenant, load_tenant
from proofwatch.instants import instant_of
from services.governance import output
from services.governance.core.difference import differences
from services.governance.core.history import ActivationRecord, history, name_of
from services.governance.governed_log import GovernedLog, RequestRefused, open_log

_HASH = re.compile(r"[0-9a-f]{6,32}")


@dataclass(frozen=True)
class DocumentCommands:
    """One kind of governed document, as its command works with it."""

    kind: Kind
    load: Callable[[Path], Policy | Tenant]

    def check(self, args: argparse.Namespace) -> int:
        """Read a file as it would be proposed."""
        document = document_of(self.load(args.file))
        if args.json:
            output.print_json({"kind": self.kind, "hash": document.hash, "document": orjson.loads(document.text)})
        else:
            output.print_line(f"{args.file}: a valid {self.kind}, {name_of(document.content)}, hash {document.hash}")
        return 0

    async def diff(self, args: argparse.Namespace) -> int:
        """Compare two documents, each a file or a hash in the log."""
        if is_file(args.old) and is_file(args.new):
            old, new = (document_of(self.load(Path(each))) for each in (args.old, args.new))
        else:
            async with open_log(args, governed=True) as log:
                old, new = (self.named(log, each) for each in (args.old, args.new))
        title = f"{name_of(old.content)} {old.hash} → {name_of(new.content)} {new.hash}"
        output.print_changes(title, differences(_values(old), _values(new)), as_json=args.json)
        return 0

    async def show(self, args: argparse.Namespace) -> int:
        """Show a document of the log, and who has signed it."""
        async with open_log(args, governed=True) as log:
            document = self.in_log(log, args.hash)
            signed = log.replica.documents.signatures(self.kind, document.hash)
        approvals = [{"person": who, "since": instant_of(ms).isoformat()} for who, ms in sorted(signed.items())]
        found = {
            "kind": self.kind,
            "hash": document.hash,
            "usable": len(approvals) >= 2,
            "approvals": approvals,
            "document": orjson.loads(document.text),
        }
        if args.json:
            output.print_json(found)
            return 0
        output.print_line(f"{self.kind} {name_of(document.content)}, hash {document.hash}")
        for each in approvals:
            output.print_line(f"signed by {each['person']} since {each['since']}")
        if len(approvals) < 2:
            output.print_line("not usable: two people must sign it")
        output.print_json(found["document"])
        return 0

    async def history(self, args: argparse.Namespace) -> int:
        """Show what was, is and will be in force."""
        async with open_log(args, governed=True) as log:
            activations = history(log.replica, self.kind, getattr(args, "scope", None), log.now_ms)
        if args.json:
            output.print_json([each._asdict() for each in activations])
        elif not activations:
            output.print_line(f"no {self.kind} has been activated")
        else:
            output.print_table(f"{self.kind}: what is in force for whom from when", _COLUMNS, map(_row, activations))
        return 0

    def named(self, log: GovernedLog, name: str) -> Document:
        """Return the document of a file, or of a hash in the log."""
        return document_of(self.load(Path(name))) if is_file(name) else self.in_log(log, name)

    def in_log(self, log: GovernedLog, name: str) -> Document:
        """Return the one document whose hash begins like this. Raises `RequestRefused`."""
        if not _HASH.fullmatch(name):
            raise RequestRefused(f"{name!r} is neither a file nor a hash (6 to 32 hex digits)")
        found = log.replica.documents.find(self.kind, name)
        if len(found) == 1:
            return found[0]
        if found:
            raise RequestRefused(f"{len(found)} documents begin with {name}: {', '.join(each.hash for each in found)}")
        raise RequestRefused(f"no {self.kind} with hash {name} is in the log; propose it first")


def is_file(name: str) -> bool:
    """Return whether a name is that of a file; anything else is taken for a hash."""
    return Path(name).exists()


def show_changes(log: GovernedLog, document: Document, scope: str | None, last_resort: Path | None) -> None:
    """Show what a document changes for a scope, against what is in force there now."""
    regime = log.replica.at(log.now_ms)
    if isinstance(document.content, Tenant):
        current: Any = regime.tenants.get(document.content.tenant)
        where = f"in force for {document.content.tenant}"
    else:
        tenant, _, cohort = (scope or "*").partition("/")
        name, _, value = cohort.partition("=")
        current = regime.policy_for(tenant, {name: value} if cohort else None)
        where = f"in force for {scope or 'everyone'}"
        if current is None:
            current, where = load_policy(last_resort), "of last resort (nothing is activated)"
    if current is None:
        output.print_line(f"nothing is {where}: the document is new")
        output.print_json(orjson.loads(document.text))
        return
    found = differences(current.model_dump(mode="json", by_alias=True), _values(document))
    output.print_changes(f"{name_of(current)} {where} → {name_of(document.content)} {document.hash}", found)


_COLUMNS: Final = ("scope", "mode", "name", "hash", "from", "until", "state", "approved by", "activated by", "why")


def _row(c: ActivationRecord) -> tuple[object, ...]:
    when = (c.effective_from, c.ends_at, c.state)
    return (c.scope, c.mode, c.name, c.hash, *when, c.approved_by, c.activated_by, c.why)


def _values(document: Document) -> dict[str, Any]:
    return document.content.model_dump(mode="json", by_alias=True)


POLICIES = DocumentCommands("policy", load_policy)
TENANTS = DocumentCommands("tenant", load_tenant)
