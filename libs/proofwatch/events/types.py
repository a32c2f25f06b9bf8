# Generated from schemas/events by `python -m proofwatch.events.generate`; do not edit.
"""The events on the wire, as msgspec structs. An optional field that is absent is None, and stays absent."""

from datetime import datetime
from typing import Annotated, Literal
from msgspec import Meta, Struct


class Activation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """From when a governed document is in force for a scope."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    document_kind: Literal["policy", "tenant"]
    """Which kind of governed document."""
    scope: Annotated[str, Meta(max_length=192, min_length=1)]
    """Whom it applies to: * for everyone, a tenant, or tenant/segment=value for a cohort; the narrowest in force wins."""
    document_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """The document that comes into force."""
    mode: Literal["live", "shadow"]
    """live decides; shadow is judged beside the live one and decides nothing."""
    effective_from: Annotated[datetime, Meta(tz=True)]
    """From which log time on; at least the lead time after this record's own log time."""
    key_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}\\Z")]
    """Identifies the public key in the keyring: the first 16 hex digits of SHA-256 over its 32 bytes."""
    signature: Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{86}==\\Z")]
    """Ed25519 signature (RFC 8032) in base64, over the statement as governance.signatures spells it."""
    published_at: Annotated[datetime, Meta(tz=True)]
    """When it was published."""
    ends_at: Annotated[datetime, Meta(tz=True)] | None = None
    """Until which log time (exclusive); absent: until the next one of the scope."""


class Approval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One person's signature under a governed document; two different people make it usable."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    document_kind: Literal["policy", "tenant"]
    """Which kind of governed document."""
    document_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """The document that is approved."""
    key_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}\\Z")]
    """Identifies the public key in the keyring: the first 16 hex digits of SHA-256 over its 32 bytes."""
    signature: Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{86}==\\Z")]
    """Ed25519 signature (RFC 8032) in base64, over the statement as governance.signatures spells it."""
    signed_at: Annotated[datetime, Meta(tz=True)]
    """When it was signed."""


class AttackPattern(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A published attack pattern: a declarative predicate over non-personal fields of a transaction."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    pattern_id: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """Stable name of the pattern."""
    revision: Annotated[int, Meta(ge=1)]
    """Counts the changes of the pattern, from 1."""
    state: Literal["published", "withdrawn", "shadow"]
    """Whether transactions are compared with it: published, a match is a suspicion; shadow, a match is counted and changes nothing; withdrawn, they are not. Readers of releases before refuse shadow, so that the revision before goes on there: upgrade them first."""
    description: Annotated[str, Meta(max_length=512, min_length=1)]
    """What kind of attack it tells, for the analyst."""
    severity: Literal["low", "medium", "high"]
    """How urgent a match is."""
    predicate: Annotated[str, Meta(max_length=65536, min_length=2)]
    """The predicate as JSON: all, any, not, and comparisons {field, op, value}."""
    effective_from: Annotated[datetime, Meta(tz=True)]
    """From which log time on; a record that reaches the log less than the lead time before takes effect the lead time after its own log time."""
    species: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """The species of attack instrument, or the method of injection, that it tells; null or absent: unknown. Readers of releases before refuse a pattern that says it: upgrade them first."""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    """When it is no longer compared; absent: it stays."""


class AuditCheckpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """How many entries the audit log has and what their root is, signed: what was in it by then cannot be changed unseen."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    origin: Annotated[str, Meta(max_length=256, min_length=1)]
    """The name of the log, as its signatures have it (C2SP tlog-checkpoint)."""
    checkpoint_index: Annotated[int, Meta(ge=0)]
    """The how-manieth checkpoint of the log it is, from 0."""
    size: Annotated[int, Meta(ge=0)]
    """How many entries the log has."""
    note: Annotated[str, Meta(max_length=65536, min_length=1)]
    """The checkpoint as a signed note (C2SP signed-note), as it was signed; cosignatures of witnesses may stand below."""


class Consent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What a data subject consented to, obtained by the customer (GDPR Art. 7)."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    purpose: Literal[
        "provide_features", "maintain_and_deliver_statistics", "troubleshooting", "billing", "improve_and_develop"
    ]
    """The purpose consented to."""
    granted: bool
    """True when given, false when withdrawn."""
    asserted_at: Annotated[datetime, Meta(tz=True)]
    """When it was given or withdrawn."""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    """When it ends by itself; absent: it does not."""
    evidence_ref: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """Where the customer keeps the proof of the consent."""


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Turns a protective measure for a cohort on or off; the rule that detects writes both records."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    control_id: str
    """uuid5 of measure, cohort, state and effective_from."""
    measure: Literal["step_up_mfa", "alarmed_cohort"]
    """step_up_mfa: flagged users of the cohort must pass a second factor; alarmed_cohort: its transactions are suspicious."""
    state: Literal["on", "off"]
    """Whether it begins or ends."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    segment_name: Annotated[str, Meta(max_length=32, min_length=1)] | None
    """The cohort's segment; null covers the whole tenant."""
    segment_value: Annotated[str, Meta(max_length=64, min_length=1)] | None
    """The value of the cohort's segment; null covers the whole tenant."""
    effective_from: Annotated[datetime, Meta(tz=True)]
    """From which log time on; a record that reaches the log less than the lead time before takes effect the lead time after its own log time."""
    reason: Literal["apcer_breach", "apcer_pass", "anomaly", "operator"]
    """Typed reason code: apcer_breach, apcer_pass, operator, anomaly."""
    evidence: dict[str, float]
    """The numbers behind the reason, by name."""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    """When the measure ends by itself; null on an off record."""


class DeadLetter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A record that could not be processed, as an operator reads it; on the topic it travels as the original bytes plus headers."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    source_topic: Annotated[str, Meta(max_length=256, min_length=1)]
    """Topic it was read from."""
    source_partition: Annotated[int, Meta(ge=0)]
    """Partition it was read from."""
    source_offset: Annotated[int, Meta(ge=0)]
    """Offset it was read at."""
    stage: Annotated[str, Meta(max_length=64, min_length=1)]
    """Stage that refused it."""
    reason: Literal[
        "malformed",
        "schema_mismatch",
        "unknown_schema_version",
        "unknown_schema_id",
        "time_ahead",
        "missing_key",
        "key_mismatch",
        "wrong_partition",
        "conflicting_duplicate",
        "tenant_not_served",
    ]
    """What is wrong."""
    message: Annotated[str, Meta(max_length=1024, min_length=1)]
    """Where it is wrong and what would be right; never the offending value."""
    at: Annotated[datetime, Meta(tz=True)]
    """Log-append time of the record."""
    size: Annotated[int, Meta(ge=0)]
    """Size of the original value."""


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The handset and SDK that captured the presentation."""

    ref: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """Pseudonymous reference of the handset, for device velocity."""
    model: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Handset model as the SDK reports it."""
    os: Annotated[str, Meta(max_length=32, min_length=1)] | None = None
    """Operating system family."""
    os_version: Annotated[str, Meta(max_length=32, min_length=1)] | None = None
    """Operating system version."""
    sdk_version: Annotated[str, Meta(max_length=32, min_length=1)] | None = None
    """Version of the capture SDK."""


class Timings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """How long the steps of one transaction took."""

    capture_ms: Annotated[float, Meta(ge=0.0, le=86400000.0)] | None = None
    """From opening the camera to the accepted frame."""
    upload_ms: Annotated[float, Meta(ge=0.0, le=86400000.0)] | None = None
    """Upload of the imagery."""
    match_ms: Annotated[float, Meta(ge=0.0, le=86400000.0)] | None = None
    """Face comparison."""
    liveness_ms: Annotated[float, Meta(ge=0.0, le=86400000.0)] | None = None
    """Liveness decision."""


class Attempts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Failure counters, one per check."""

    match: Annotated[int, Meta(ge=0)]
    """Failed face matches of the subject before this transaction, within the policy window."""
    liveness: Annotated[int, Meta(ge=0)]
    """Failed liveness checks of the subject before this transaction, within the policy window."""


class Basis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the verdict rests on: with the event it reproduces the verdict."""

    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    controls_version: Annotated[int, Meta(ge=0)]
    """Version of the control records in force (step-up MFA, alarmed cohorts); 0 = none."""
    patterns_version: Annotated[int, Meta(ge=0)]
    """Version of the published attack patterns in force; 0 = none."""
    match_threshold: float
    """Face-match threshold that was applied: accepted when score ≥ threshold."""
    liveness_threshold: float
    """Liveness threshold that was applied: accepted when score ≥ threshold."""
    attempts_before: Attempts
    """Failures that counted against the subject before this transaction."""
    step_up: bool | None = None
    """Whether the user was under step-up MFA; absent: no."""
    referred_before: bool | None = None
    """Whether the subject had been referred to a person already: as many failures of one check as the policy's limit counted before; absent: no."""


class Sketch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Sparse histogram of scores; bins are half-open [edge, next edge)."""

    grid: Annotated[str, Meta(max_length=64, min_length=1)]
    """Identifier of the versioned base grid of bin edges."""
    thresholds: tuple[float, ...]
    """Thresholds added to the base grid as edges, ascending."""
    bins: dict[str, Annotated[int, Meta(ge=0)]]
    """Counts by bin index (decimal string); empty bins are left out."""


class Cell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What one batch adds to one minute of one tenant, segment value and policy."""

    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    start: Annotated[int, Meta(ge=0)]
    """Start of the one-minute bucket of occurred_at, Unix epoch."""
    segment_name: str | None
    """The segment this covers (sex, age_band, device_model …); null covers the whole tenant."""
    segment_value: str | None
    """The value of the segment; null covers the whole tenant."""
    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    counts: dict[str, Annotated[int, Meta(ge=0)]]
    """Exact counters by name, for example transactions, decision.accept, match.fail."""
    sums: dict[str, float]
    """Exact sums by timing name, in milliseconds."""
    sketches: dict[str, Sketch]
    """Score and timing histograms by name: match, liveness, capture_ms …"""
    seen_at: int | None = None
    """Where the records came more than an hour late: how far their partition had come in time when they did, in whole minutes, Unix epoch; absent: they came in time."""


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Why a case exists."""

    code: Annotated[str, Meta(max_length=64, min_length=1)]
    """Typed reason code."""
    at: Annotated[datetime, Meta(tz=True)]
    """When the cause occurred."""
    transaction_id: Annotated[str, Meta(max_length=256)] | None
    """The transaction that caused it, if one did."""
    evidence: dict[str, float]
    """The numbers behind the reason, by name."""


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What one transaction did to its subject's history: a failure, or a clearing accept."""

    offset: Annotated[int, Meta(ge=-1)]
    """Its position in the transactions partition; -1: before all of it, from another partition."""
    occurred_ms: int
    """When it occurred, Unix epoch."""
    transaction: int
    """64 bits of BLAKE2b over its id, signed."""
    failed: Annotated[int, Meta(ge=0, le=3)]
    """1: match, 2: liveness, 3: both; 0: accepted, which clears what lies before."""
    suspected_ms: int | None = None
    """When the suspicion of the running episode occurred, Unix epoch; absent: not yet."""
    attempt: int | None = None
    """64 bits of BLAKE2b over which attempt of the transaction it was and what was judged, signed; absent: written by an earlier release."""


class Mfa(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A user's step-up MFA."""

    control_id: str
    """The control record that turned it on."""
    since_ms: int
    """Log time from which it holds, Unix epoch."""
    until_ms: int
    """Log time at which it ends unless it is prolonged, Unix epoch."""


class Shadowing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A subject's history under one shadow policy."""

    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the shadow policy."""
    attempts: tuple[Attempt, ...]
    """The history, in log order."""


class Member(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One member of a worst-of figure: a PAI species, say."""

    name: Annotated[str, Meta(max_length=64)] | None
    """Its name; null: all that are too small or unnamed, together."""
    k: Annotated[int, Meta(ge=0)]
    """Numerator."""
    n: Annotated[int, Meta(ge=0)]
    """Denominator."""
    status: Literal["PASS", "BREACH", "INSUFFICIENT"]
    """PASS, BREACH or INSUFFICIENT by its own bound at 95 %, whatever the others are."""
    reason: Literal["too_few_trials", "straddles_the_limit", "not_told_apart"] | None = None
    """Why it is INSUFFICIENT: so few trials would not have shown the limit kept even without an error; or they would, and the interval holds the limit; or a mixture (small or unnamed members together) is above it, and nobody can say which of them; null otherwise."""
    needed_without_error: Annotated[int, Meta(ge=0)] | None = None
    """Further trials that show the limit kept if no further error occurs; null where it is decided, or for more than 10⁹."""
    needed_at_present_rate: Annotated[int, Meta(ge=0)] | None = None
    """Further trials that decide either way if errors go on at the same rate; null where it is decided, or where none would."""


class Slice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Transactions by one attribute and its value."""

    segment_name: Annotated[str, Meta(min_length=1)]
    """The attribute (device_model, country, sdk_version …)."""
    segment_value: str
    """Its value."""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A rate that changed while its finding fired: it rose above the alarm’s own level, or fell back to the level before."""

    metric: Annotated[str, Meta(max_length=128, min_length=1)]
    """The rate."""
    since: Annotated[datetime, Meta(tz=True)]
    """Since when, as far as the counts tell."""
    known_at: Annotated[datetime, Meta(tz=True)]
    """When it could be known, in log time."""
    direction: Literal["up", "down"]
    """up: it rose; down: it fell back, which ends nothing."""
    told: bool
    """True when people are told of it: it rose, to more than the alarm had come to before."""
    from_rate: Annotated[float, Meta(ge=0.0, le=1.0)]
    """The level before."""
    to_rate: Annotated[float, Meta(ge=0.0, le=1.0)]
    """k / n."""
    k: Annotated[int, Meta(ge=0)]
    """Numerator, from since to known_at."""
    n: Annotated[int, Meta(ge=0)]
    """Denominator, from since to known_at."""


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What labels prove of attacks among what a slice sent, whenever they came."""

    anomaly_id: Annotated[str, Meta(max_length=128, min_length=1)]
    """The finding that proves it, on metrics.anomalies.v1."""
    metric: Annotated[str, Meta(max_length=128, min_length=1)]
    """The figure: iapar, apcer or injection_accept_rate."""
    attacks: Annotated[int, Meta(ge=0)]
    """Attacks that labels name, of the slice."""
    accepted: Annotated[int, Meta(ge=0)]
    """Those of them that were accepted; of apcer, that passed the liveness check."""
    low: Annotated[float, Meta(ge=0.0, le=1.0)]
    """Lower 95 % bound of accepted / attacks (Wilson)."""
    high: Annotated[float, Meta(ge=0.0, le=1.0)]
    """Upper 95 % bound of accepted / attacks."""
    limit: Annotated[float, Meta(ge=0.0, le=1.0)]
    """The limit that is proven broken."""
    since: Annotated[datetime, Meta(tz=True)]
    """Start of the tenant's first day with such attacks."""
    until: Annotated[datetime, Meta(tz=True)]
    """End of the last such day, exclusive."""
    known_at: Annotated[datetime, Meta(tz=True)]
    """When labels had told it first."""
    species: Annotated[tuple[Annotated[str, Meta(max_length=256, min_length=1)], ...], Meta(max_length=32)] | None = (
        None
    )
    """PAI species, or methods of injection, that are concerned, the worst first; absent: none is named."""


class Access(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Who opened imagery, or tried to, that a second person agreed to or that was granted to somebody else. Accounts are ids."""

    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer whose case it is."""
    case_id: Annotated[str, Meta(max_length=64, min_length=1)]
    """The case whose imagery it is."""
    grant_id: Annotated[str, Meta(max_length=64, min_length=1)]
    """What was asked for and agreed to, or the grant that was tried, as the entries of the audit log name it."""
    person: Annotated[str, Meta(max_length=64, min_length=1)]
    """The account that opens, or tried to."""
    second_person: Annotated[str, Meta(max_length=64)] | None
    """The account that agreed; null where nobody was asked."""
    granted_to: Annotated[str, Meta(max_length=64)] | None
    """The account that the grant was given to; null where it is that which opens."""
    until: Annotated[datetime, Meta(tz=True)] | None
    """When it ends, or has ended; null where nothing was opened."""


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A thing that a notification tells of, by its newest revision."""

    source_topic: Annotated[str, Meta(max_length=256, min_length=1)]
    """Topic of its event."""
    source_id: Annotated[str, Meta(max_length=128, min_length=1)]
    """Identifier of its event."""
    source_revision: Annotated[int, Meta(ge=1)]
    """Revision of its event."""
    severity: Literal["info", "low", "medium", "high", "warning", "critical"]
    """How urgent it is."""
    state: Literal["firing", "resolved", "raised"]
    """firing, resolved or a plain fact."""


class DeviceProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """That a handset took part in a transaction: the transactions again, keyed by device."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    device_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """Pseudonymous reference of the handset."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    imagery_ref: Annotated[str, Meta(max_length=512, pattern="^[a-z][a-z0-9+.-]*://")] | None = None
    """Where the imagery is kept, by reference; never imagery itself."""
    attempt_id: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """The upstream system's identifier of the attempt, as in the transaction."""
    imagery_sha256: Annotated[str, Meta(max_length=64, min_length=64)] | None = None
    """SHA-256 of the imagery's bytes, hexadecimal. What is found there and has another digest is not opened. Null or absent: unknown."""
    imagery_media_type: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """What the imagery is said to be, such as image/jpeg. What is found there and is something else is not opened. Null or absent: unknown."""


class Erasure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """That a data subject is erased: by marks, so that a restored database can be told again, and late events bring nothing back."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    erasure_id: str
    """Random; names the erasure in the audit log, too."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """Whose data subject it was."""
    subject_mark: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """HMAC of the data subject under the deployment's secret."""
    transaction_marks: tuple[Annotated[str, Meta(pattern="^[0-9a-f]{32}$")], ...]
    """HMAC of each of their transactions under the deployment's secret."""
    erased_at: Annotated[datetime, Meta(tz=True)]
    """What happened by then belongs to the erased; what comes later is a new person to us."""


class Escalation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A case that leaves triage for people: the SOC queue now, the research group for novel attacks."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    escalation_id: str
    """uuid5 of the case and its revision."""
    case_id: str
    """uuid5 of what opened the case."""
    revision: Annotated[int, Meta(ge=1)]
    """Counts the changes of the case, from 1."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    subject_tag: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")] | None
    """Keyed pseudonym of the subject (HMAC), or null for a cohort case."""
    queue: Literal["soc", "research"]
    """Where it goes."""
    status: Literal["open", "escalated", "closed"]
    """State of the case after this change."""
    severity: Literal["low", "medium", "high"]
    """How urgent."""
    raised_at: Annotated[datetime, Meta(tz=True)]
    """When the newest reason occurred."""
    reasons: tuple[Reason, ...]
    """Every reason so far, oldest first."""
    title: Annotated[str, Meta(max_length=512, min_length=1)] | None = None
    """Of a case of an incident: what, where and since when, in words that a notice may say. Not there from before there were any."""


class Guidance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What upstream should tell or ask the user next."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    guidance_id: str
    """uuid5 of tenant, transaction and action."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    action: Literal["retake_selfie", "reupload_document", "manual_kyc_review", "fraud_analyst_review", "step_up_mfa"]
    """What the user is asked to do."""
    message_code: Annotated[str, Meta(max_length=64, min_length=1)]
    """Key of the text to show; texts belong to upstream."""
    attempts_left: Annotated[int, Meta(ge=0)]
    """Tries left before a person decides."""
    step_up_until: Annotated[datetime, Meta(tz=True)] | None = None
    """The user must pass a second factor until then (log time); absent: no step-up MFA."""
    attempt_id: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """Which attempt of the transaction this is about, as in the verdict."""


class Incident(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What one cause did: the findings that come of it, told once, with the slice that they come from."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    incident_id: str
    """uuid5 of tenant, root and when it could first be known."""
    revision: Annotated[int, Meta(ge=1)]
    """Counts the changes of the incident, from 1."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    state: Literal["firing", "ended", "merged"]
    """firing: it holds; ended: the evidence says that it does not any more; merged: it turned out to be a part of another incident."""
    change: Literal["began", "rose", "rose_again", "fell_back", "grew", "traced", "again", "ended", "merged", "changed"]
    """What is new: began, its evidence is strong for the first time; rose, it is graver; rose_again, a rate rose above the alarm’s own level; fell_back, it is at the level before, and goes on; grew, labels prove at least twice as many wrongly accepted as people were told of; traced, a new version turned out to be what it came with; again, it holds again; ended; merged; changed, its numbers."""
    evidence: Literal["strong", "weak"]
    """strong: chance does not explain it; weak: it may be chance, and nobody is told."""
    severity: Literal["low", "high", "critical"]
    """low: of weak evidence, or what was ever so and keeps out less than one attempt in five; high: of strong evidence; critical: of strong evidence, and people or attacks are wrongly accepted, or pass unchecked."""
    chance: Annotated[float, Meta(ge=0.0)]
    """How many findings as extreme the tenant’s looks of a day make by chance; 0 where a rule with a budget of its own found it."""
    root: Annotated[tuple[Slice, ...], Meta(max_length=4)]
    """The smallest slice that explains the excess: one attribute and its value, or several that hold together; empty: the whole tenant."""
    alike: Annotated[tuple[Slice, ...], Meta(max_length=32)]
    """Slices that the counts cannot tell from the root."""
    since: Annotated[datetime, Meta(tz=True)]
    """Since when it is so, as far as the evidence tells."""
    known_at: Annotated[datetime, Meta(tz=True)]
    """When it could first be known: the end of the first window that fired, or when labels told."""
    metrics: Annotated[tuple[Annotated[str, Meta(max_length=64, min_length=1)], ...], Meta(max_length=64)]
    """The metrics of its findings."""
    rules: Annotated[tuple[Annotated[str, Meta(max_length=64, min_length=1)], ...], Meta(max_length=32)]
    """The detectors that found it."""
    action: Literal[
        "flag_cohort_for_manual_review",
        "incident_review",
        "audit_and_threshold_proposal",
        "step_up_mfa",
        "system_audit_and_fraud_investigation",
        "hold_or_roll_back_release",
    ]
    """The next step."""
    metric: Annotated[str, Meta(max_length=64, min_length=1)]
    """The metric of the lead: the finding with the most evidence."""
    rule: Annotated[str, Meta(max_length=64, min_length=1)]
    """The detector that found the lead."""
    window_start: Annotated[datetime, Meta(tz=True)]
    """Start of the lead’s window."""
    window_end: Annotated[datetime, Meta(tz=True)]
    """End of the lead’s window."""
    k: Annotated[int, Meta(ge=0)]
    """Numerator of the lead."""
    n: Annotated[int, Meta(ge=0)]
    """Denominator of the lead."""
    rate: float
    """k / n."""
    low: float
    """Lower 95 % bound of the rate."""
    high: float
    """Upper 95 % bound of the rate."""
    expected_rate: float
    """The rate that the lead is compared with."""
    p_value: float
    """One-sided p of the lead’s test."""
    rejected: Annotated[float, Meta(ge=0.0)]
    """About how many people, or attempts of theirs, were rejected beyond what was to be expected."""
    accepted: Annotated[float, Meta(ge=0.0)]
    """About how many people or attacks were accepted beyond what was to be expected."""
    lead_anomaly_id: str
    """The lead, on metrics.anomalies.v1."""
    lead_revision: Annotated[int, Meta(ge=1)]
    """The revision of the lead with the most evidence."""
    children: Annotated[tuple[str, ...], Meta(max_length=100)]
    """The other findings, by anomaly_id; at most 100 of them."""
    children_count: Annotated[int, Meta(ge=0)]
    """How many other findings there are."""
    described: Annotated[tuple[Slice, ...], Meta(max_length=32)]
    """Other slices that fired, for the same cause; at most 32 of them."""
    described_count: Annotated[int, Meta(ge=0)]
    """How many other slices fired."""
    title: Annotated[str, Meta(max_length=2048, min_length=1)]
    """What, where and since when, in a few words of English; names values of segments."""
    sentence: Annotated[str, Meta(max_length=8192, min_length=1)]
    """What, where, since when, how sure, how many people, what next, in English; names values of segments."""
    notice_title: Annotated[str, Meta(max_length=512, min_length=1)]
    """The title as a notice may say it: of segments only the values of handset, OS, SDK, matcher, PAD and source, where they are plain names."""
    notice: Annotated[str, Meta(max_length=4096, min_length=1)]
    """The sentence as a notice may say it, with the same values only."""
    share: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """The part of the tenant’s excess that the root holds, 0 to 1; absent: the tenant’s counts are not known."""
    rest_k: Annotated[int, Meta(ge=0)] | None = None
    """Numerator of what remains of the tenant without the root; absent as share."""
    rest_n: Annotated[int, Meta(ge=0)] | None = None
    """Denominator of what remains of the tenant without the root; absent as share."""
    rest_baseline_rate: float | None = None
    """The rate that is to be expected of what remains; absent as share."""
    time_zone: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\\Z")] | None = None
    """The tenant's time zone then, an IANA name, in which its words are written; absent: UTC. Times of fields are in UTC whatever it is."""
    until: Annotated[datetime, Meta(tz=True)] | None = None
    """When its last finding ended; absent: it holds."""
    until_known: Annotated[datetime, Meta(tz=True)] | None = None
    """When it became known that it had ended; absent: it holds."""
    revised_at: Annotated[datetime, Meta(tz=True)] | None = None
    """When what this revision says became known: the last of what it is made of; absent: by its other times."""
    quiet_since: Annotated[datetime, Meta(tz=True)] | None = None
    """Since when only days have strong evidence; absent: shorter windows have it too, or none had."""
    ended_by: Literal["within", "no_traffic", "too_little_traffic", "judged_anew"] | None = None
    """How it ended: within, it is within what is expected again; no_traffic and too_little_traffic, for want of trials; judged_anew, a governed change began its comparison anew; absent: it holds."""
    merged_into: str | None = None
    """The incident that it turned out to be a part of; absent: none, or not known any more."""
    direction: Literal["up", "down"] | None = None
    """Whether the lead is above or below what it is compared with; absent: above."""
    trials_needed: Annotated[int, Meta(ge=0)] | None = None
    """About how many more trials it takes to prove it; absent: it is proven, or no number would."""
    since_low: Annotated[datetime, Meta(tz=True)] | None = None
    """The earliest time of a 90 % interval of since; absent: none is known, or since is exact."""
    since_high: Annotated[datetime, Meta(tz=True)] | None = None
    """The latest time of that interval; absent as since_low."""
    since_moved_from: Annotated[datetime, Meta(tz=True)] | None = None
    """What since was in the revision before; absent: it did not change."""
    steps: Annotated[tuple[Step, ...], Meta(max_length=32)] | None = None
    """How the root’s rates changed while it held, in the order in which it became known; absent: they did not."""
    counted: Literal["first_attempts"] | None = None
    """Of which attempts k, n and expected_rate are: first_attempts: of people's first ones only, whose failures do not depend on each other, so n is about as many people; absent: of all that the metric counts."""
    rejected_people: Annotated[float, Meta(ge=0.0)] | None = None
    """About how many people that was, each counted once, by their first attempts or first referrals; rejected may then be attempts; absent: no finding counts people once."""
    proof: Proof | None = None
    """What labels prove of attacks among what the root sent; absent: nothing."""
    rejected_by: Annotated[datetime, Meta(tz=True)] | None = None
    """Until when the rejected are counted, of what goes on and is counted while it does; absent: all of them, or of one window."""
    accepted_by: Annotated[datetime, Meta(tz=True)] | None = None
    """Until when the accepted are counted, as rejected_by."""
    rejected_people_by: Annotated[datetime, Meta(tz=True)] | None = None
    """Until when rejected_people is counted, where that is of other windows than rejected; absent: of the same."""
    unchecked: Annotated[float, Meta(ge=0.0)] | None = None
    """How many attempts passed a check that refused nobody; as many of them as it usually refuses are accepted; absent: none."""
    with_version: Annotated[tuple[Slice, ...], Meta(max_length=1)] | None = None
    """The version with which the root goes wrong: both hold nearly all of the excess; absent: none."""
    ever_so: bool | None = None
    """Whether more of the tenant fails than its policy expects since the first that is known, so that nothing need have happened; absent: no."""
    root_k: Annotated[int, Meta(ge=0)] | None = None
    """Numerator of the root, of the same window and date as that of the rest; absent as rest_k."""
    root_n: Annotated[int, Meta(ge=0)] | None = None
    """Denominator of the root, as root_k."""
    told_from: Annotated[float, Meta(ge=0.0)] | None = None
    """How many whom labels prove wrongly accepted, or rejected, people had been told of before this revision, or of how far a new version is from what ran before it (standard deviations of ranks, or a ratio); absent: none."""
    impostors: Annotated[int, Meta(ge=0)] | None = None
    """How many of the slice, on the days of the incident, whom the face match refused, labels name as impostors by now: nobody of them was rejected wrongly; absent: none, or it is not about the match."""


class LabelRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Asks upstream for the truth about a transaction that was chosen by its hash; it opens no imagery."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    request_id: str
    """uuid5 of tenant and transaction."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    inclusion_probability: Annotated[float, Meta(gt=0.0, le=1.0)]
    """The known probability with which any such transaction is chosen; the label carries it back."""


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Late truth about one transaction: from a PAD campaign, an investigation or a manual review."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    label_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """Identifier of this assertion, unique within the tenant."""
    asserted_at: Annotated[datetime, Meta(tz=True)]
    """When the truth was asserted."""
    authority: Annotated[int, Meta(ge=0, le=100)]
    """Rank of the asserting party; the highest wins, then the latest, then the greatest label_id."""
    pair: Literal["genuine", "impostor"] | None = None
    """Mated (genuine) or non-mated (impostor) comparison; null says nothing about the match."""
    presentation: Literal["bona_fide", "attack"] | None = None
    """Bona fide presentation or presentation attack; null says nothing about liveness."""
    pai_species: Annotated[str, Meta(max_length=64)] | None = None
    """Species of the presentation attack instrument; null or absent: unknown."""
    attack_class: Literal["presentation", "injection"] | None = None
    """Presented to the sensor, or injected behind it (virtual camera, API call): an injection attack is in no APCER, and pai_species then names its method; null or absent: presentation, unless pai_species names an injection."""
    sampling_probability: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    """Probability π with which this transaction was chosen for labelling."""


class Notification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the notifier tells one channel; identifiers and numbers only, no subject data."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    notification_id: str
    """uuid5 of group and sequence; sent as webhook-id, so that a receiver can drop repeats."""
    source_topic: Annotated[str, Meta(max_length=256, min_length=1)]
    """Topic of the gravest event that it tells of."""
    source_id: Annotated[str, Meta(max_length=128, min_length=1)]
    """Identifier of that event."""
    source_revision: Annotated[int, Meta(ge=1)]
    """Revision of that event."""
    tenant: str | None
    """The tenant concerned; null for the platform."""
    route: Annotated[str, Meta(max_length=64, min_length=1)]
    """The route that matched."""
    channel: Annotated[str, Meta(max_length=64, min_length=1)]
    """The channel it goes to."""
    severity: Literal["info", "low", "medium", "high", "warning", "critical"]
    """How urgent."""
    state: Literal["firing", "resolved", "raised"]
    """firing, resolved or a plain fact."""
    title: Annotated[str, Meta(max_length=256, min_length=1)]
    """One line."""
    summary: Annotated[str, Meta(max_length=2048, min_length=1)]
    """What happened, with its numbers."""
    created_at: Annotated[datetime, Meta(tz=True)]
    """When it was made."""
    group_id: str | None = None
    """uuid5 of route, channel and what its facts have in common: the conversation that it belongs to. Absent in those from before there were any."""
    sequence: Annotated[int, Meta(ge=1)] | None = None
    """Counts the messages of the group, from 1."""
    alerts: Annotated[tuple[Told, ...], Meta(max_length=20)] | None = None
    """What it tells of, the gravest news first; at most 20."""
    alerts_count: Annotated[int, Meta(ge=1)] | None = None
    """How many there are."""


class PatternHit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A transaction that an attack pattern matches; it names no person."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    pattern_id: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """Stable name of the pattern."""
    revision: Annotated[int, Meta(ge=1)]
    """The revision of the pattern that was compared."""
    mode: Literal["live", "shadow"]
    """live: a suspicion was raised, too; shadow: the match changed nothing."""
    decision: Literal["accept", "retry", "refer"]
    """What was decided about the transaction."""
    attempt_id: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """Names a further attempt of one transaction; absent: its first, or only one."""


class PlatformAlert(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Health of the platform itself: no personal data at all, straight to operators."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    alert_id: str
    """uuid5 of service, kind and the moment it began."""
    state: Literal["firing", "resolved"]
    """Whether it holds."""
    severity: Literal["info", "warning", "critical"]
    """How urgent."""
    service: Annotated[str, Meta(max_length=64, min_length=1)]
    """The service concerned."""
    kind: Literal[
        "health", "downtime", "availability", "lag", "dead_letters", "replayed_grant", "break_glass", "overdue_cases"
    ]
    """What is wrong."""
    raised_at: Annotated[datetime, Meta(tz=True)]
    """When it was noticed."""
    summary: Annotated[str, Meta(max_length=512, min_length=1)]
    """One sentence for the operator."""
    values: dict[str, float]
    """The numbers behind the alert, by name."""
    access: Access | None = None
    """Of break_glass and replayed_grant: who, what, with whom. Absent in others, and from before there was any."""


class PolicyDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A policy document, kept by its content hash so that nothing a late event needs is compacted away."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    document: Annotated[str, Meta(max_length=1048576, min_length=2)]
    """The canonical JSON of the policy."""
    published_at: Annotated[datetime, Meta(tz=True)]
    """When it was published."""


class Position(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """How far a consumer group has come in a partition, written in the transaction that publishes what came of it; unlike a group's offset it does not expire."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    group: Annotated[str, Meta(max_length=249, min_length=1)]
    """The consumer group."""
    topic: Annotated[str, Meta(max_length=249, min_length=1)]
    """The topic that it reads."""
    partition: Annotated[int, Meta(ge=0)]
    """The partition of it."""
    position: Annotated[int, Meta(ge=0)]
    """Offset below which everything is processed and its outputs are published."""
    topic_id: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Kafka's identifier of the topic (KIP-516): one that is deleted and made anew has another; absent: not known."""


class Redrive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """That a dead letter was sent again, by whom, and why."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    redrive_id: str
    """uuid5 of dead-letter topic, partition and offset."""
    dead_letter_topic: Annotated[str, Meta(max_length=249, min_length=1)]
    """Where the dead letter lies."""
    partition: Annotated[int, Meta(ge=0)]
    """Its partition."""
    offset: Annotated[int, Meta(ge=0)]
    """Its offset."""
    target_topic: Annotated[str, Meta(max_length=249, min_length=1)]
    """Where its original bytes were sent."""
    reason_code: Annotated[str, Meta(max_length=64, min_length=1)]
    """Why it had been refused."""
    operator: Annotated[str, Meta(max_length=64, min_length=1)]
    """Who sent it again."""
    note: Annotated[str, Meta(max_length=512, min_length=1)]
    """Why it may pass now."""
    redriven_at: Annotated[datetime, Meta(tz=True)]
    """When it was sent again."""


class Shadow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A transaction that a shadow policy would have decided otherwise."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    live_policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    shadow_policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the shadow policy."""
    live_decision: Literal["accept", "retry", "refer"]
    """What was decided."""
    live_action: Annotated[str, Meta(max_length=32, min_length=1)]
    """What upstream was told to do."""
    shadow_decision: Literal["accept", "retry", "refer"]
    """What the shadow policy would have decided."""
    shadow_action: Annotated[str, Meta(max_length=32, min_length=1)]
    """What it would have told upstream to do."""


class StepUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Whether a user must pass a second factor (multi-factor authentication)."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    step_up_id: str
    """uuid5 of tenant, subject, state and since."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    state: Literal["on", "off"]
    """on: demand it; off: no longer."""
    control_id: str
    """The control record that turned it on."""
    since: Annotated[datetime, Meta(tz=True)]
    """Log time from which it holds."""
    until: Annotated[datetime, Meta(tz=True)]
    """Log time at which it ends unless it is prolonged; on an off record: when it ended."""


class SubjectState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What a subject's own transactions left behind, the latest of each subject kept: the truth behind the cache."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    offset: Annotated[int, Meta(ge=-1)]
    """Position in the transactions partition of the transaction that last changed it; -1: it came from another partition."""
    attempts: tuple[Attempt, ...]
    """The subject's history under the live policy, in log order."""
    flagged_ms: int | None = None
    """Log time of the last suspicion, Unix epoch; absent: none."""
    step_up: Mfa | None = None
    """The user's step-up MFA; absent: off."""
    shadows: tuple[Shadowing, ...] | None = None
    """The subject's histories under shadow policies; absent: none."""


class Suspicion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A transaction that the security operations centre should look at, and why."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    suspicion_id: str
    """uuid5 of tenant, transaction, reason, and of the rule, pattern or control behind it."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    reason: Literal[
        "liveness_failures_persist",
        "match_far_below_threshold",
        "liveness_far_below_threshold",
        "subject_velocity",
        "device_velocity",
        "attack_pattern",
        "alarmed_cohort",
    ]
    """Typed reason code."""
    severity: Literal["low", "medium", "high"]
    """How urgent."""
    evidence: dict[str, float]
    """The numbers behind the reason, by name."""
    policy_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """Content hash of the policy in force: the first 32 hex digits of SHA-256 over its canonical JSON."""
    imagery_ref: Annotated[str, Meta(max_length=512, pattern="^[a-z][a-z0-9+.-]*://")] | None = None
    """Where the imagery is kept, by reference; never imagery itself."""
    pattern_id: Annotated[str, Meta(max_length=63, min_length=1)] | None = None
    """The published attack pattern that matched."""
    imagery_sha256: Annotated[str, Meta(max_length=64, min_length=64)] | None = None
    """SHA-256 of the imagery's bytes, hexadecimal. What is found there and has another digest is not opened. Null or absent: unknown."""
    imagery_media_type: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """What the imagery is said to be, such as image/jpeg. What is found there and is something else is not opened. Null or absent: unknown."""
    device: Device | None = None
    """Handset and SDK, by which suspicions of one attack are known to belong together. Null or absent: unknown."""
    timings: Timings | None = None
    """Durations of the steps; a script repeats its own. Null or absent: unknown."""


class Tally(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What one batch of verdicts adds to the windows: one envelope to every tallies partition, empty ones too."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    source_topic: Annotated[str, Meta(max_length=256, min_length=1)]
    """The topic the batch was read from."""
    source_partition: Annotated[int, Meta(ge=0)]
    """The partition the batch was read from."""
    position_before: Annotated[int, Meta(ge=0)]
    """Position of the source before the batch; equals the last position_after."""
    position_after: Annotated[int, Meta(ge=0)]
    """Position of the source after the batch."""
    progress_at: int | None
    """Up to when the source is read: the greatest log-append time seen, Unix epoch; null before the first record."""
    cells: tuple[Cell, ...]
    """The cells of the tenants that hash to this partition."""
    source_topic_id: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Kafka's identifier of the topic (KIP-516): one that is deleted and made anew has another, and its positions begin anew; absent: not known."""


class TenantDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A tenant's governed settings, kept by content hash: contract, time zone, segment catalogue, lawful bases."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant_hash: Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]
    """First 32 hex digits of SHA-256 over the document."""
    document: Annotated[str, Meta(max_length=1048576, min_length=2)]
    """The canonical JSON of the tenant's settings."""
    published_at: Annotated[datetime, Meta(tz=True)]
    """When it was published."""


class Transaction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One remote identity proofing as the upstream onboarding system publishes it."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: str
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    checks: Annotated[tuple[Literal["match", "liveness"], ...], Meta(max_length=2, min_length=1)] = (
        "match",
        "liveness",
    )
    """The checks that upstream requested; a requested check without a score is a failure to acquire (match) or a non-response (liveness). A score that is present counts as requested."""
    match_score: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """Similarity of document photo and selfie; higher is more alike. Null or absent: no score."""
    liveness_score: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """Likelihood of a bona fide presentation; higher is more live. Null or absent: no score."""
    device: Device | None = None
    """Handset and SDK."""
    timings: Timings | None = None
    """Durations of the steps."""
    segments: (
        Annotated[
            dict[Annotated[str, Meta(min_length=1, max_length=32)], Annotated[str, Meta(max_length=64, min_length=1)]],
            Meta(max_length=16),
        ]
        | None
    ) = None
    """Segment values by catalogue name (split, sex, age_band, skin_tone, country, source or a custom one); personal ones only where the tenant’s policy names a lawful basis."""
    imagery_ref: Annotated[str, Meta(max_length=512)] | None = None
    """Where the imagery is kept, by reference; never imagery itself."""
    attempt_id: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """The upstream system's identifier of one attempt, where several share a transaction_id; unique within the transaction. Absent: a later occurred_at tells attempts apart."""
    matcher_version: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Version of the face matcher that compared, as upstream names it."""
    pad_version: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Version of the liveness (presentation attack) detector that judged, as upstream names it."""
    imagery_sha256: Annotated[str, Meta(max_length=64, min_length=64)] | None = None
    """SHA-256 of the imagery's bytes, hexadecimal. What is found there and has another digest is not opened. Null or absent: unknown."""
    imagery_media_type: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """What the imagery is said to be, such as image/jpeg. What is found there and is something else is not opened. Null or absent: unknown."""


class StrictTransaction(
    Transaction, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """One remote identity proofing as the upstream onboarding system publishes it."""

    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    imagery_ref: Annotated[str, Meta(max_length=512, pattern="^[a-z][a-z0-9+.-]*://")] | None = None
    """Where the imagery is kept, by reference; never imagery itself."""


class Verdict(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What Proofwatch decided about one transaction, and on what basis."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    transaction_id: Annotated[str, Meta(max_length=256, min_length=1)]
    """The upstream system's identifier of one onboarding transaction, unique within the tenant."""
    subject_ref: Annotated[str, Meta(max_length=256, min_length=1)]
    """The tenant's pseudonymous reference of the data subject; never a name, number or address."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    """When the transaction took place, by the clock of the upstream system (RFC 3339 with offset)."""
    decision: Literal["accept", "retry", "refer"]
    """accept: go on; retry: the user tries again; refer: a person decides."""
    action: Literal[
        "none", "retake_selfie", "reupload_document", "manual_kyc_review", "fraud_analyst_review", "step_up_mfa"
    ]
    """What upstream does next."""
    reasons: tuple[
        Literal[
            "match_below_threshold",
            "match_missing",
            "match_marginal",
            "liveness_below_threshold",
            "liveness_missing",
            "match_failures_persist",
            "liveness_failures_persist",
            "step_up_mfa_required",
        ],
        ...,
    ]
    """Why, the leading reason first; empty for a plain accept."""
    match_outcome: Literal["pass", "marginal", "fail", "missing", "not_requested"]
    """What became of the face match: marginal is accepted and counted apart; missing was requested and brought no score."""
    liveness_outcome: Literal["pass", "fail", "missing", "not_requested"]
    """What became of the liveness check: missing was requested and brought no score."""
    match_score: Annotated[float, Meta(ge=0.0, le=1.0)] | None
    """The score that was judged, or null."""
    liveness_score: Annotated[float, Meta(ge=0.0, le=1.0)] | None
    """The score that was judged, or null."""
    basis: Basis
    """What the verdict rests on."""
    device: Device | None = None
    """Handset and SDK."""
    timings: Timings | None = None
    """Durations of the steps."""
    segments: (
        Annotated[
            dict[Annotated[str, Meta(min_length=1, max_length=32)], Annotated[str, Meta(max_length=64, min_length=1)]],
            Meta(max_length=16),
        ]
        | None
    ) = None
    """Segment values by catalogue name (split, sex, age_band, skin_tone, country, source or a custom one); personal ones only where the tenant’s policy names a lawful basis."""
    attempt_id: Annotated[str, Meta(max_length=256, min_length=1)] | None = None
    """Which attempt of the transaction this is about: upstream's own identifier or, for a further attempt that brought none, its occurred_at in UTC. Absent: the first that was seen."""
    matcher_version: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Version of the face matcher that compared, as upstream names it."""
    pad_version: Annotated[str, Meta(max_length=64, min_length=1)] | None = None
    """Version of the liveness (presentation attack) detector that judged, as upstream names it."""


class Anomaly(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A finding: a rate, a distribution or a volume that left what it is compared with or its limit, or came back."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    anomaly_id: str
    """uuid5 of rule, metric, tenant, segment and the window in which it began."""
    revision: Annotated[int, Meta(ge=1)]
    """Counts the changes of the anomaly, from 1."""
    state: Literal["firing", "resolved"]
    """Whether it holds."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    segment_name: str | None
    """The segment this covers (sex, age_band, device_model …); null covers the whole tenant."""
    segment_value: str | None
    """The value of the segment; null covers the whole tenant."""
    metric: Annotated[str, Meta(max_length=64, min_length=1)]
    """The rate concerned."""
    rule: Literal[
        "twice_baseline",
        "cusum",
        "collapse",
        "saturation",
        "few_values",
        "score_shift",
        "missing_scores",
        "volume",
        "silence",
        "limit_breach",
        "sequential_limit",
        "version_change",
        "timing_jump",
    ]
    """The detector that found it: twice_baseline, the guarded 2 × baseline test; cusum, a persisting change of the odds; collapse, failures that were expected and did not come; saturation and few_values, scores that are all at a bound or all alike; score_shift, scores that are distributed otherwise; missing_scores; volume, traffic that stopped or surged; silence, labels that stopped; limit_breach, a promised limit that is proven broken; sequential_limit, the same by a test that may be looked at any time; version_change, a new version of SDK, matcher, PAD or policy that does otherwise than what ran before; timing_jump, durations that jumped."""
    cadence: Literal["real_time", "daily", "at_once"]
    """Which watch found it."""
    severity: Literal["high", "low_evidence"]
    """high: the guard test is significant; low_evidence: the longer windows decide."""
    action: Literal[
        "flag_cohort_for_manual_review",
        "incident_review",
        "audit_and_threshold_proposal",
        "step_up_mfa",
        "system_audit_and_fraud_investigation",
        "hold_or_roll_back_release",
    ]
    """What it causes."""
    window_start: Annotated[datetime, Meta(tz=True)]
    """Start of the window that was judged; where traffic ended, since when there was none."""
    window_end: Annotated[datetime, Meta(tz=True)]
    """End of the window that was judged; where traffic ended, when that was found."""
    k: Annotated[int, Meta(ge=0)]
    """Numerator in the window."""
    n: Annotated[int, Meta(ge=0)]
    """Denominator in the window."""
    rate: float
    """k / n."""
    low: float
    """Lower Wilson 95 % bound."""
    high: float
    """Upper Wilson 95 % bound."""
    baseline_k: Annotated[int, Meta(ge=0)]
    """Numerator of the baseline; 0 where the policy’s expected rate stands in."""
    baseline_n: Annotated[int, Meta(ge=0)]
    """Denominator of the baseline; 0 where the policy’s expected rate stands in."""
    baseline_rate: float
    """The rate compared with."""
    baseline_periods: Annotated[int, Meta(ge=0)]
    """Earlier periods in the baseline."""
    ratio: float
    """rate / baseline_rate."""
    p_value: float
    """One-sided p of the guard test."""
    backfill: bool
    """True when the window is older than the alert horizon: stored, never notified."""
    resolution: Literal["no_traffic", "too_little_traffic", "judged_anew"] | None = None
    """Why it is resolved, where its rate did not come back: no_traffic, there were no more trials from window_start on; too_little_traffic, fewer than can be judged; judged_anew, what it was compared with no longer counts, since a governed change took effect at window_start; absent: the rate is back at its baseline."""
    direction: Literal["up", "down"] | None = None
    """Whether what is watched is above or below what it is compared with; absent: above."""
    since: Annotated[datetime, Meta(tz=True)] | None = None
    """Since when it is so, as far as the counts tell; absent: since window_start of the first revision."""
    known_at: Annotated[datetime, Meta(tz=True)] | None = None
    """When it became known, in log time: labels may prove it weeks after its window; absent: as soon as its window closed."""
    time_zone: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\\Z")] | None = None
    """The tenant's time zone then, an IANA name, in which words about it are written; absent: UTC. Times of fields are in UTC whatever it is."""
    statistic: float | None = None
    """The detector's statistic, in its own unit; absent: the rule has none beside p_value."""
    threshold: float | None = None
    """The limit that the statistic passed, or the limit of the rate that is broken."""
    affected: Annotated[float, Meta(ge=0.0)] | None = None
    """About how many transactions went wrong beyond what was to be expected."""
    refused_rate: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """Which share of attempts the check usually refuses, of a finding that it lets everybody pass; absent: it is no such finding, or not known."""
    misjudged: Annotated[float, Meta(ge=0.0)] | None = None
    """About how many attempts the check refused more (scores lie lower), or fewer, than was to be expected, of a finding that its scores lie otherwise with a new version: an estimate, from how often it refused before; absent: it is no such finding, or too few to be told from chance."""
    at_score: float | None = None
    """The score below which k of n scores lie; absent: it is not about how scores are distributed."""
    trials_needed: Annotated[int, Meta(ge=0)] | None = None
    """About how many more trials it takes to prove it; absent: it is proven, or no number would."""
    species: tuple[Annotated[str, Meta(max_length=256, min_length=1)], ...] | None = None
    """The PAI species that it concerns, the worst first; absent: it is about no species."""
    segments: tuple[Annotated[str, Meta(max_length=400, min_length=1)], ...] | None = None
    """Segment values (name=value) of a whole tenant that are found too, for the same cause: listed here, not told by themselves."""
    since_low: Annotated[datetime, Meta(tz=True)] | None = None
    """The earliest time of a 90 % interval of since; absent: none is known, or since is exact."""
    since_high: Annotated[datetime, Meta(tz=True)] | None = None
    """The latest time of that interval; absent as since_low."""
    step: Step | None = None
    """What this revision tells: that the rate changed while the finding fires; absent: something else."""
    counted: Literal["first_attempts"] | None = None
    """Of which attempts k, n and what they are compared with are: first_attempts: of people's first ones only, whose failures do not depend on each other, so n is about as many people; absent: of all that the metric counts."""


class Figure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A rate with everything needed to judge it."""

    metric: Annotated[str, Meta(max_length=64, min_length=1)]
    """The metric by its standard name: fmr, fnmr, apcer, bpcer, fta … or a proxy: rejection_rate, retry_rate, liveness_fail_rate …"""
    k: int | None
    """Numerator."""
    n: int | None
    """Denominator."""
    value: float | None
    """k / n."""
    low: float | None
    """Lower Wilson 95 % bound."""
    high: float | None
    """Upper Wilson 95 % bound."""
    limit: float | None
    """The policy limit it is judged against."""
    status: Literal["PASS", "BREACH", "INSUFFICIENT"] | None
    """PASS, BREACH or INSUFFICIENT by the one-sided Clopper–Pearson bound at 95 %; null without a limit."""
    coverage: float | None
    """Share of the transactions of the window that carry the label this rate needs; null for proxies."""
    reason: Literal["too_few_trials", "straddles_the_limit", "not_told_apart"] | None = None
    """Why it is INSUFFICIENT: so few trials would not have shown the limit kept even without an error; or they would, and the interval holds the limit; or a mixture (small or unnamed members together) is above it, and nobody can say which of them; null otherwise."""
    needed_without_error: Annotated[int, Meta(ge=0)] | None = None
    """Further trials that show the limit kept if no further error occurs; null where it is decided, or for more than 10⁹."""
    needed_at_present_rate: Annotated[int, Meta(ge=0)] | None = None
    """Further trials that decide either way if errors go on at the same rate; null where it is decided, or where none would."""
    species: Annotated[str, Meta(max_length=64)] | None = None
    """The PAI species (or method of injection) whose counts these are; null: of all together. The headline apcer has the worst species' counts, and the status that all species make."""
    because: tuple[Member, ...] | None = None
    """The members that make the status of a worst-of figure: those in breach, or those that forbid PASS; 50 at most. Absent where it is PASS."""


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The counts of one tenant, segment value and stretch of time, with the rates they give."""

    schema_version: Literal[1]
    """The version of this schema; an unknown one goes to the dead-letter topic."""
    window_id: str
    """uuid5 of kind, tenant, segment, length and start."""
    kind: Literal["decisions", "labelled"]
    """decisions: from verdicts alone; labelled: from verdicts joined with truth."""
    tenant: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}\\Z")]
    """The customer of the platform whose traffic this is: a bank, a telco, an eKYC vendor."""
    segment_name: str | None
    """The segment this covers (sex, age_band, device_model …); null covers the whole tenant."""
    segment_value: str | None
    """The value of the segment; null covers the whole tenant."""
    start: Annotated[datetime, Meta(tz=True)]
    """Start of the window, inclusive."""
    end: Annotated[datetime, Meta(tz=True)]
    """End of the window, exclusive."""
    length_s: Annotated[int, Meta(ge=1)]
    """Length of the window; 86400 of a day of the tenant, which may end an hour sooner or later."""
    revision: Annotated[int, Meta(ge=1)]
    """1 when closed; higher when late data restated it."""
    backfill: bool
    """True when the window is older than the alert horizon: stored, never notified."""
    counts: dict[str, Annotated[int, Meta(ge=0)]]
    """Exact counters by name."""
    sums: dict[str, float]
    """Exact sums by timing name."""
    sketches: dict[str, Sketch]
    """Score and timing histograms by name."""
    policies: dict[str, Annotated[int, Meta(ge=0)]]
    """Transactions by policy hash."""
    figures: tuple[Figure, ...]
    """The rates of the window."""
