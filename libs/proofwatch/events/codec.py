"""From bytes to events and back, one `Codec` per event type.

The wire is JSON. Encoding is deterministic: struct fields in the schema's order, map keys sorted, no blanks,
date-times as RFC 3339. An optional field that is null means the same as an absent one, and is absent when encoded.
Stricter than JSON Schema in one point: a whole number is written as one (1, not 1.0). More patient in another:
upstream's events are put right where nothing is judged by what is wrong (`mending`).
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import msgspec

from proofwatch.biometrics.spellings import ATTACK_KINDS, PAIRS, PRESENTATIONS, said
from proofwatch.events import types
from proofwatch.events.mending import Mend, mend_label, mend_transaction
from proofwatch.events.rejected import Rejected, explain

T = TypeVar("T", bound=msgspec.Struct)

_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_BACKSLASH: Final = ord("\\")  # most events hold none, and one byte is found ten times as fast as six
_NUL: Final = b"\\u0000"
_NUL_CHARACTER: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escape of U+0000, and not a backslash that is spelled out before it."""


_REFUSED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_TENANTS: Final = 65_536
_SCHEMES: Final = 16


class _Versioned(msgspec.Struct):
    schema_version: Any = None


_VERSION = msgspec.json.Decoder(_Versioned)


class Codec(Generic[T]):
    """Decodes and encodes one version of one event."""

    def __init__(self, event: type[T], version: int = 1, explained_by: type[msgspec.Struct] | None = None) -> None:
        """`explained_by`: the struct that a mismatch is explained by; the event's own."""
        self.event = event
        self.version = version
        self._explained_by = explained_by or event
        self._decode = msgspec.json.Decoder(event).decode
        self.encode: Callable[[T], bytes] = _ENCODE
        """Returns an event's bytes; equal events give equal bytes. The encoder itself: nothing is called in between."""

    def decode(self, value: bytes | None) -> T:
        """Return the event. Raises `Rejected`, whose message names no value of the record."""
        # Raised outside of the except clauses: the causes quote the record and must not hang on as __context__.
        if value and _BACKSLASH in value and _NUL in value and _NUL_CHARACTER.search(value):
            raise Rejected("schema_mismatch", "$: text holds U+0000, which no database keeps as text; leave it out")
        try:
            return self._decode(value)  # type: ignore[arg-type]  # None is told from bytes below, off the hot path
        except msgspec.ValidationError as error:
            rejected = self._mismatch(value or b"", error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
            rejected = _malformed(value, error)
        raise rejected

    def _mismatch(self, value: bytes, error: msgspec.ValidationError) -> Rejected:
        # Validation stops at the first difference; a whole read tells another version, or broken JSON further on.
        try:
            version = _VERSION.decode(value).schema_version
        except msgspec.ValidationError:
            version = None  # not an object at all
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
            return _malformed(value, broken)
        if type(version) is int and version != self.version:
            return Rejected(
                "unknown_schema_version",
                f"$.schema_version: this release reads version {self.version} of {self.event.__name__}; "
                "upgrade it, or let the producer send that version",
            )
        return Rejected("schema_mismatch", explain(self._explained_by, error))


class MendingCodec(Codec[T]):
    """A codec that puts right what does not have to be refused: off the path of records that fit the schema.

    `mended` counts the fields concerned; whoever wants to know of its own records sets a counter of its own.
    """

    def __init__(self, event: type[T], mend: Mend, explained_by: type[msgspec.Struct] | None = None) -> None:
        super().__init__(event, explained_by=explained_by)
        self.mended = Counter[str]()
        self._mend = mend

    def decode(self, value: bytes | None) -> T:
        """Return the event. Raises `Rejected`, about what cannot be put right."""
        try:
            return self._strictly(value)
        except Rejected as error:
            rejected = error
        if rejected.reason == "schema_mismatch" and (mended := self._put_right(value or b"")):
            try:
                event = self._strictly(mended[0])
            except Rejected as error:
                rejected = error
            else:
                self.mended.update(mended[1])
                return event
        raise rejected

    def _strictly(self, value: bytes | None) -> T:
        return super().decode(value)

    def _put_right(self, value: bytes) -> tuple[bytes, list[str]] | None:
        try:
            document = msgspec.json.decode(value)
            found = self._mend(document) if isinstance(document, dict) else []
            return (_ENCODE(document), found) if found else None
        except (*_REFUSED, OverflowError):  # a number beyond 64 bits is read and cannot be written: refused as it was
            return None


class TransactionCodec(MendingCodec[types.Transaction]):
    """Transactions, whose patterns are judged once for each tenant and each scheme of an imagery reference.

    That halves the price of decoding. A tenant or scheme not met before is judged by `StrictTransaction`, which is the
    schema; only what passed is remembered.
    """

    def __init__(self) -> None:
        super().__init__(types.Transaction, mend_transaction, explained_by=types.StrictTransaction)
        self._strict = msgspec.json.Decoder(types.StrictTransaction).decode
        self._tenants: set[str] = set()
        self._schemes: tuple[str, ...] = ()

    def decode(self, value: bytes | None) -> types.Transaction:
        """Return the transaction. Raises `Rejected`."""
        if value and _BACKSLASH not in value:  # nearly always; the rest is read as any event is
            try:
                event = self._decode(value)
            except _REFUSED:
                pass  # said below, outside of this clause
            else:
                reference = event.imagery_ref
                if event.tenant in self._tenants and (reference is None or reference.startswith(self._schemes)):
                    return event
        return super().decode(value)

    def _strictly(self, value: bytes | None) -> types.Transaction:
        event = super()._strictly(value)
        try:
            self._strict(value or b"")
        except msgspec.ValidationError as error:
            rejected = self._mismatch(value or b"", error)
        else:
            if len(self._tenants) < _TENANTS:
                self._tenants.add(event.tenant)
            scheme, slashes, _ = (event.imagery_ref or "").partition("://")
            if slashes and len(self._schemes) < _SCHEMES and scheme + slashes not in self._schemes:
                self._schemes += (scheme + slashes,)
            return event
        raise rejected


class LabelCodec(MendingCodec[types.Label]):
    """Labels, whose words are read in common spellings."""

    def __init__(self) -> None:
        super().__init__(types.Label, mend_label)

    def _mismatch(self, value: bytes, error: msgspec.ValidationError) -> Rejected:
        rejected = super()._mismatch(value, error)
        for field, words in (("pair", PAIRS), ("presentation", PRESENTATIONS), ("attack_class", ATTACK_KINDS)):
            if rejected.message.startswith(f"$.{field}: "):
                return Rejected(rejected.reason, f"$.{field}: must be {said(words)}, or null where it says nothing")
        return rejected


def _malformed(value: bytes | None, error: Exception) -> Rejected:
    right = "send one JSON object in UTF-8, without NaN or Infinity"
    if not value:
        return Rejected("malformed", f"$: the record has no value; {right}")
    if value[0] == 0:
        return Rejected("malformed", f"$: is framed for a schema registry, and none is configured; {right}")
    if isinstance(error, UnicodeDecodeError):
        return Rejected("malformed", f"$: is not UTF-8; {right}")
    if isinstance(error, RecursionError):
        return Rejected("malformed", f"$: is nested too deeply; {right}")
    _, _, position = str(error).rpartition("(byte ")
    where = f" at byte {position[:-1]}" if position[:-1].isdigit() else ""
    return Rejected("malformed", f"$: is not JSON{where}; {right}")


TRANSACTION: Final = TransactionCodec()
LABEL: Final = LabelCodec()
CONSENT: Final = Codec(types.Consent)
VERDICT: Final = Codec(types.Verdict)
GUIDANCE: Final = Codec(types.Guidance)
SUSPICION: Final = Codec(types.Suspicion)
ESCALATION: Final = Codec(types.Escalation)
TALLY: Final = Codec(types.Tally)
WINDOW: Final = Codec(types.Window)
ANOMALY: Final = Codec(types.Anomaly)
INCIDENT: Final = Codec(types.Incident)
PLATFORM_ALERT: Final = Codec(types.PlatformAlert)
POLICY: Final = Codec(types.PolicyDocument)
TENANT: Final = Codec(types.TenantDocument)
APPROVAL: Final = Codec(types.Approval)
ACTIVATION: Final = Codec(types.Activation)
CONTROL: Final = Codec(types.Control)
ATTACK_PATTERN: Final = Codec(types.AttackPattern)
PATTERN_HIT: Final = Codec(types.PatternHit)
SUBJECT_STATE: Final = Codec(types.SubjectState)
STEP_UP: Final = Codec(types.StepUp)
LABEL_REQUEST: Final = Codec(types.LabelRequest)
DEVICE_PROOF: Final = Codec(types.DeviceProof)
SHADOW: Final = Codec(types.Shadow)
POSITION: Final = Codec(types.Position)
REDRIVE: Final = Codec(types.Redrive)
NOTIFICATION: Final = Codec(types.Notification)
DEAD_LETTER: Final = Codec(types.DeadLetter)
AUDIT_CHECKPOINT: Final = Codec(types.AuditCheckpoint)
ERASURE: Final = Codec(types.Erasure)

CODECS: Final[Mapping[str, Codec[Any]]] = MappingProxyType(
    {
        "transaction": TRANSACTION,
        "label": LABEL,
        "consent": CONSENT,
        "verdict": VERDICT,
        "guidance": GUIDANCE,
        "suspicion": SUSPICION,
        "escalation": ESCALATION,
        "tally": TALLY,
        "window": WINDOW,
        "anomaly": ANOMALY,
        "incident": INCIDENT,
        "platform-alert": PLATFORM_ALERT,
        "policy": POLICY,
        "tenant": TENANT,
        "approval": APPROVAL,
        "activation": ACTIVATION,
        "control": CONTROL,
        "attack-pattern": ATTACK_PATTERN,
        "pattern-hit": PATTERN_HIT,
        "subject-state": SUBJECT_STATE,
        "step-up": STEP_UP,
        "label-request": LABEL_REQUEST,
        "device-proof": DEVICE_PROOF,
        "shadow": SHADOW,
        "position": POSITION,
        "redrive": REDRIVE,
        "notification": NOTIFICATION,
        "dead-letter": DEAD_LETTER,
        "audit-checkpoint": AUDIT_CHECKPOINT,
        "erasure": ERASURE,
    }
)
