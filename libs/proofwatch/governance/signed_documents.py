"""The documents that are in the log, and who has signed them since when."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from proofwatch.events.types import Approval
from proofwatch.governance.documents import Document, Kind
from proofwatch.governance.keyring import EYES, Keyring, NotSigned
from proofwatch.governance.statements import approval_statement

Name = tuple[Kind, str]
"""Kind and hash of a document."""


class Held(NamedTuple):
    """An approval that cannot be judged yet, because its document has not been read."""

    approval: Approval
    log_ms: int
    offset: int


class SignedDocuments:
    """Documents and their valid approvals. The order in which they are read makes no difference.

    Of a document, and of a person's approvals of it, the earliest counts: who repeats one changes nothing.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._documents: dict[Name, Document] = {}
        self._since: dict[Name, int] = {}
        self._signed: defaultdict[Name, dict[str, int]] = defaultdict(dict)
        self._held: dict[Name, list[Held]] = {}

    def add(self, document: Document, log_ms: int) -> list[tuple[Held, NotSigned]]:
        """Take a document; return those of the approvals held for it that do not count."""
        name = (document.kind, document.hash)
        document = self._documents.setdefault(name, document)
        self._since[name] = min(log_ms, self._since.get(name, log_ms))
        failed = []
        for held in self._held.pop(name, ()):
            try:
                self._count(held.approval, document, held.log_ms)
            except NotSigned as reason:
                failed.append((held, reason))
        return failed

    def sign(self, approval: Approval, log_ms: int, offset: int) -> bool:
        """Take an approval; False: held until its document is there. Raises `NotSigned`."""
        name = (approval.document_kind, approval.document_hash)
        document = self._documents.get(name)
        if document is None:
            self._keyring.entitled(approval.key_id, "approve", log_ms)
            self._held.setdefault(name, []).append(Held(approval, log_ms, offset))
            return False
        self._count(approval, document, log_ms)
        return True

    def get(self, kind: Kind, document_hash: str) -> Document | None:
        """Return a document that is in the log, signed or not."""
        return self._documents.get((kind, document_hash))

    def find(self, kind: Kind, prefix: str) -> list[Document]:
        """Return the documents whose hash begins like this, by hash."""
        names = sorted(name for name in self._documents if name[0] == kind and name[1].startswith(prefix))
        return [self._documents[name] for name in names]

    def signatures(self, kind: Kind, document_hash: str) -> dict[str, int]:
        """Return who has signed a document, and since when (log time)."""
        return dict(self._signed.get((kind, document_hash), {}))

    def usable_since(self, kind: Kind, document_hash: str) -> int | None:
        """Return since when the document and the signatures of two people are in the log; None: they are not."""
        name = (kind, document_hash)
        signed = self._signed.get(name)
        if name not in self._documents or signed is None or len(signed) < EYES:
            return None
        return max(self._since[name], sorted(signed.values())[EYES - 1])

    def may_sign(self, kind: Kind, document_hash: str, log_ms: int) -> frozenset[str]:
        """Return whose signature would count now: everybody who may approve and has not signed."""
        return self._keyring.people(log_ms) - self._signed.get((kind, document_hash), {}).keys()

    def held(self) -> Iterator[Held]:
        """Yield the approvals whose document has not been read."""
        for each in self._held.values():
            yield from each

    def _count(self, approval: Approval, document: Document, log_ms: int) -> None:
        statement = approval_statement(approval, document.text)
        person = self._keyring.verify(approval.key_id, "approve", statement, approval.signature, log_ms)
        signed = self._signed[document.kind, document.hash]
        signed[person] = min(log_ms, signed.get(person, log_ms))
