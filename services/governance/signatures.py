"""Putting documents under signatures: propose one, approve one."""

import argparse

from proofwatch.events.types import PolicyDocument, TenantDocument
from proofwatch.governance.documents import Document, document_of
from proofwatch.governance.keyring import EYES, NotSigned
from proofwatch.governance.signer import Signer
from proofwatch.instants import instant_of
from services.governance import output
from services.governance.config import Settings
from services.governance.core.history import name_of
from services.governance.document_commands import DocumentCommands, show_changes
from services.governance.governed_log import GovernedLog, RequestRefused, open_log
from services.governance.keys import read_key


async def propose(commands: DocumentCommands, args: argparse.Namespace) -> int:
    """Publish a document with the proposer's signature."""
    document = document_of(commands.load(args.file))
    signer = read_key(args.key or Settings.read().key_file)
    async with open_log(args, governed=True) as log:
        _entitled(log, signer)
        if log.replica.documents.get(commands.kind, document.hash):
            raise RequestRefused(f"{commands.kind} {document.hash} is in the log already; approve it")
        show_changes(log, document, getattr(args, "scope", None), Settings.read().policy_file)
        events = [_published(document, log.now_ms), signer.approve(document, instant_of(log.now_ms))]
        log.rehearse(events)
        if not output.confirm(
            args, f"{commands.kind} {name_of(document.content)} {document.hash}, with your signature"
        ):
            return 0
        await log.publish(events)
    output.print_line(f"proposed: {document.hash}")
    output.print_line(f"next, somebody else: proofwatch {commands.kind} approve {document.hash} --key KEYFILE")
    return 0


async def approve(commands: DocumentCommands, args: argparse.Namespace) -> int:
    """Add one's signature to a document of the log, after seeing what it changes."""
    signer = read_key(args.key or Settings.read().key_file)
    async with open_log(args, governed=True) as log:
        person = _entitled(log, signer)
        document = commands.in_log(log, args.hash)
        signed = log.replica.documents.signatures(commands.kind, document.hash)
        if person in signed:
            raise RequestRefused(f"{person} has signed {document.hash} already; somebody else must approve it")
        show_changes(log, document, getattr(args, "scope", None), Settings.read().policy_file)
        events = [signer.approve(document, instant_of(log.now_ms))]
        log.rehearse(events)
        if not output.confirm(args, f"the signature of {person} under {commands.kind} {document.hash}"):
            return 0
        await log.publish(events)
        signed = log.replica.documents.signatures(commands.kind, document.hash)
    output.print_line(f"approved: {document.hash} is signed by {', '.join(sorted(signed))}")
    if len(signed) >= EYES:
        output.print_line(f"next: proofwatch {commands.kind} activate {document.hash} --key KEYFILE")
    return 0


def _entitled(log: GovernedLog, signer: Signer) -> str:
    assert log.keyring is not None
    try:
        return log.keyring.entitled(signer.key_id, "approve", log.now_ms)
    except NotSigned as error:
        raise RequestRefused(str(error)) from None


def _published(document: Document, now_ms: int) -> PolicyDocument | TenantDocument:
    text, now = document.text.decode(), instant_of(now_ms)
    if document.kind == "policy":
        return PolicyDocument(schema_version=1, policy_hash=document.hash, document=text, published_at=now)
    return TenantDocument(schema_version=1, tenant_hash=document.hash, document=text, published_at=now)
