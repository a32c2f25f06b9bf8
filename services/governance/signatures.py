"""Putting documents under signatures: propose one, approve one."""

import argparse

from proofwatch.events.types import PolicyDocument, TenantDocument
from proofwatch.governance.documents import Document, document_of
from proofwatch.governance.keyring import EYES, NotSigned
from proofwatch.governance.signer import Signer
from proofwatch.governance.times import instant_of
from services.governance import views
from services.governance.config import Settings
from services.governance.core.history import name_of
from services.governance.desk import Desk, Impossible, opened
from services.governance.keys import read_key
from services.governance.papers import Papers, compared


async def propose(papers: Papers, args: argparse.Namespace) -> int:
    """Publish a document with the proposer's signature."""
    document = document_of(papers.load(args.file))
    signer = read_key(args.key or Settings.read().key_file)
    async with opened(args, governed=True) as desk:
        _entitled(desk, signer)
        if desk.replica.library.get(papers.kind, document.hash):
            raise Impossible(f"{papers.kind} {document.hash} is in the log already; approve it")
        compared(desk, document, getattr(args, "scope", None), Settings.read().policy_file)
        events = [_published(document, desk.now_ms), signer.approve(document, instant_of(desk.now_ms))]
        desk.rehearse(events)
        if not views.agreed(args, f"{papers.kind} {name_of(document.content)} {document.hash}, with your signature"):
            return 0
        await desk.publish(events)
    views.line(f"proposed: {document.hash}")
    views.line(f"next, somebody else: proofwatch {papers.kind} approve {document.hash} --key KEYFILE")
    return 0


async def approve(papers: Papers, args: argparse.Namespace) -> int:
    """Add one's signature to a document of the log, after seeing what it changes."""
    signer = read_key(args.key or Settings.read().key_file)
    async with opened(args, governed=True) as desk:
        person = _entitled(desk, signer)
        document = papers.in_log(desk, args.hash)
        signed = desk.replica.library.signatures(papers.kind, document.hash)
        if person in signed:
            raise Impossible(f"{person} has signed {document.hash} already; somebody else must approve it")
        compared(desk, document, getattr(args, "scope", None), Settings.read().policy_file)
        events = [signer.approve(document, instant_of(desk.now_ms))]
        desk.rehearse(events)
        if not views.agreed(args, f"the signature of {person} under {papers.kind} {document.hash}"):
            return 0
        await desk.publish(events)
        signed = desk.replica.library.signatures(papers.kind, document.hash)
    views.line(f"approved: {document.hash} is signed by {', '.join(sorted(signed))}")
    if len(signed) >= EYES:
        views.line(f"next: proofwatch {papers.kind} activate {document.hash} --key KEYFILE")
    return 0


def _entitled(desk: Desk, signer: Signer) -> str:
    assert desk.keyring is not None
    try:
        return desk.keyring.entitled(signer.key_id, "approve", desk.now_ms)
    except NotSigned as error:
        raise Impossible(str(error)) from None


def _published(document: Document, now_ms: int) -> PolicyDocument | TenantDocument:
    text, now = document.text.decode(), instant_of(now_ms)
    if document.kind == "policy":
        return PolicyDocument(schema_version=1, policy_hash=document.hash, document=text, published_at=now)
    return TenantDocument(schema_version=1, tenant_hash=document.hash, document=text, published_at=now)
