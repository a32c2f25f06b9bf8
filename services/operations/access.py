"""Who may do what on Kafka and PostgreSQL: the least that each process needs, from the manifests and a short table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from proofwatch.events import topics
from proofwatch.events.topics import Manifest
from proofwatch.governance.purposes import Purpose

ResourceType = Literal["topic", "group", "transactional-id"]
PatternType = Literal["literal", "prefixed"]
Operation = Literal["READ", "WRITE", "DESCRIBE", "CREATE", "DESCRIBE_CONFIGS"]

TEMPLATE: Final = "User:proofwatch-{process}"
MIGRATE: Final = "migrate"
RELAY: Final = "-relay"
"""What the group of a schema's relay has behind the name of the schema."""


class Acl(NamedTuple):
    """One permission, in Kafka's words; there are no others, and no denials: what is not allowed is denied."""

    principal: str
    resource_type: ResourceType
    resource: str
    pattern_type: PatternType
    operation: Operation


@dataclass(frozen=True)
class Process:
    """What the manifests do not say of a process.

    groups: consumer groups and what each reads; what is refused of it goes to its dead-letter topic.
    schema: the schema of PostgreSQL that it alone writes, whose outbox a group of its own relays.
    reads_schemas: schemas that it only reads.
    calls_schemas: schemas whose functions it may call, also those that nobody else may: erasure in each by its own.
    asks: functions, by their signatures, that only those may call who are named with them.
    takes_over: groups of others whose partitions it acquires for a moment, each with what they read.
    reads_columns: tables of which it reads these columns and no others.
    counts_columns: likewise, of what its purpose may not have: they are counted, and only anonymous counts leave.
    adds_rows: tables to which it adds rows in these columns.
    changes_columns: tables of others in which it changes these columns and no others.
    removes_rows: tables of others from which it removes rows.
    purpose: of a command that gives data out: what it reads serves this alone.
    watches: groups of others, each with what it reads: how far it is, and whether a record follows; nothing is kept.
    follows: topics that it reads whole, in no group.
    describes: topics whose partitions it counts, beside those that it reads and writes.
    every: what it may do on every topic and dead-letter topic.
    redrives: it sends dead letters to their topics again.
    enters: it needs PostgreSQL for the door alone: who asks goes on record there.
    temporary: it needs temporary tables, which nobody else sees and which end with its session.
    """

    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schema: str | None = None
    reads_schemas: tuple[str, ...] = ()
    calls_schemas: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    takes_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reads_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    adds_rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changes_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    removes_rows: tuple[str, ...] = ()
    purpose: Purpose | None = None
    watches: Mapping[str, str] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    describes: tuple[str, ...] = ()
    every: tuple[Operation, ...] = ()
    redrives: bool = False
    enters: bool = False
    temporary: bool = False

    def on_postgres(self) -> bool:
        """Return whether it has a role in the database."""
        return bool(self.schema or self.reads_schemas or self.reads_columns or self.enters)

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return every column that it reads by its name, for whatever, by table."""
        tables = sorted({*self.reads_columns, *self.counts_columns})
        return {name: (*self.reads_columns.get(name, ()), *self.counts_columns.get(name, ())) for name in tables}

    def transacting(self) -> Mapping[str, tuple[str, ...]]:
        """Return the groups under which it commits: where it has an outbox, also that of the outbox."""
        if self.schema is None:
            return self.groups
        return {**self.groups, **{f"{group}{RELAY}": read for group, read in self.groups.items()}}


_KEYS: Final = (
    "privacy.keys_of(text[], text[])",
    "privacy.keep_keys(text[], text[], text[], integer[], bytea[])",
)
_TAGS: Final = "privacy.tag_keys_of(text[], text[])"
_ERASED: Final = "privacy.suppressed_of(text[], text[])"
_RESTRICTED: Final = "privacy.restricted_of(text[], text[], timestamptz)"
_OF_CASES: Final = "privacy.restricted_tags(timestamptz)"
_LEFT_OUT: Final = ("privacy.restricted_marks(text)", "privacy.restricted_transactions(text, text[])")
"""What an exit asks: whose processing is restricted, so that it leaves them out."""
_ANYBODY: Final = "privacy.anybody_restricted(text)"
"""What an exit asks that cannot tell whose something is."""
_OF_SUBJECTS: Final = (*_KEYS, _TAGS, _ERASED)
"""What a process asks that writes of data subjects: their keys, and who was erased."""
_OF_NOTES: Final = ("triage.note_keys(text[])", "triage.keep_note_key(text, text, integer, bytea)")
"""What a process asks by whose pages people note something on cases: the keys of these notes, and no others."""
_PRESENT: Final = "access.present(timestamptz, timestamptz)"
"""What a process asks that gives work to people: who is there."""
_HOLDERS: Final = ("access.holders_of(integer)", "access.end_holders(integer)")
"""What a process asks whose acts wait for nobody for long: who holds them up, and to end those."""
_LATE: Final = ("privacy.latest_erasures(text[])", "privacy.suppress_late(text[], text[], text[])")
_FENCE: Final = ("topic", "progress_ms")
_REMOVED: Final = ("tenant", "before_ms")
_COUNTED_DAYS: Final = (
    "tenant",
    "day",
    "start_ms",
    "end_ms",
    "segment_name",
    "segment_value",
    "match_requested",
    "liveness_requested",
)
_WINDOWS: Final = {
    "windows.buckets": ("tenant", "length_s", "start_ms", "end_ms", "late", "closed", "body"),
    "ledger.windows": ("window_key", "revision", "live", *_COUNTED_DAYS),
    "ledger.labelled_cells": ("window_key", "policy_hash", "class", "outcome", "edge_set_id", "bin", "n"),
    "ledger.grids": ("edge_set_id", "thresholds", "grid"),
}
"""What figures are put together from: counts of a tenant and of values of segments, nothing of a transaction."""
_INCIDENTS: Final = {"incidents.incidents": ("tenant", "state", "body")}
"""What fires and what fired, of tenants and of values of segments."""
_LOG: Final = {
    "audit.entries": ("index", "leaf", "leaf_hash", "logged_at", "tenant", "actor", "action", "outcome"),
    "audit.nodes": ("level", "index", "hash"),
    "audit.checkpoints": ("checkpoint_index", "size", "note", "published_at"),
    "audit.cosignatures": ("checkpoint_index", "line"),
}
"""The log as people read it, and what proves an entry of it; nothing that waits to be entered, or was refused."""
_SESSION: Final = (
    "session_id",
    "token_hash",
    "person_id",
    "tenants",
    "roles",
    "signed_in_at",
    "mfa_at",
    "seen_at",
    "expires_at",
)
_ATTEMPTS: Final = ("name_hash", "failures", "last_at", "unheard")
_VOUCHED: Final = ("session_id", "refresh_token", "checked_at", "sid")
_LOGOUT: Final = ("jti_hash", "taken_at")
_FLOW: Final = ("state_hash", "browser_hash", "nonce", "verifier", "wanted", "begun_at", "session_id")
_HANDOVER: Final = ("ticket_hash", "challenge", "session_id", "given_at")
_OF_PROVIDER: Final = "access.of_provider(text, text, text, text, text[], text[], timestamptz, boolean)"
"""What a process asks that lets people in by a provider: to give them what its claims give."""
_BEGUN: Final = {"access.sessions": _SESSION, "access.attempts": _ATTEMPTS}
"""What a process adds that lets people sign in; likewise what it changes, and removes."""
_SIGNED_IN: Final = {
    "access.people": ("password_hash", "code_secret", "code_step"),
    "access.sessions": ("mfa_at", "ended_at", "ended_by"),
    "access.attempts": _ATTEMPTS[1:],
}
_PATTERN: Final = (
    "pattern_id",
    "revision",
    "state",
    "description",
    "species",
    "severity",
    "predicate",
    "case_id",
    "tenant",
    "drafted_by",
    "drafted_at",
    "proposed_by",
    "changed_at",
)
_LOOKBACK: Final = (
    "lookback_id",
    "kind",
    "pattern_id",
    "revision",
    "severity",
    "predicate",
    "case_id",
    "tenants",
    "person_id",
    "asked_at",
    "since",
    "most",
    "form",
)
_SETTLED: Final = ("state", "settled_by", "settled_at")
_FORGOTTEN: Final = ("access.sessions", "access.attempts")
_SAID: Final = ("from_ms", "effective_ms", "by_whom", "reason")
_CONTRACTS: Final = (topics.TENANTS, topics.APPROVALS, topics.ACTIVATIONS, topics.POLICIES)
"""What the door reads to know what is in force with a tenant (`proofwatch.exits.standing`)."""
_JOURNEY: Final = (topics.TRANSACTIONS, topics.VERDICTS, topics.GUIDANCE, topics.SUSPICIONS, topics.LABELS)
"""Topics that one transaction goes through."""
_REFUSED_ON: Final = tuple(topics.dead_letter_topic(each) for each in _JOURNEY if each != topics.GUIDANCE)
"""Where what of it was refused lies; nobody of ours reads guidance."""
PROCESSES: Final[Mapping[str, Process]] = {
    "scorer": Process({"scorer": (topics.TRANSACTIONS,)}),
    "devices": Process({"devices-rekey": (topics.TRANSACTIONS,), "devices": (topics.DEVICE_PROOFS,)}),
    "combine": Process({"combine": (topics.VERDICTS,)}, watches={"scorer": topics.TRANSACTIONS}),
    "windows": Process({"windows": (topics.TALLIES,)}, "windows", describes=(topics.VERDICTS,)),
    "ledger": Process(
        {"ledger": (topics.VERDICTS, topics.LABELS)},
        "ledger",
        asks=(_ERASED, *_LATE),
        watches={"scorer": topics.TRANSACTIONS},
        temporary=True,
    ),
    "incidents": Process({"incidents": (topics.ANOMALIES, topics.WINDOWS)}, "incidents"),
    "triage": Process(
        {
            "triage": (
                topics.SUSPICIONS,
                topics.INCIDENTS,
                topics.PLATFORM_ALERTS,
                topics.PATTERN_HITS,
                topics.ATTACK_PATTERNS,
                topics.VERDICTS,
            )
        },
        "triage",
        asks=(*_OF_SUBJECTS, *_OF_NOTES, _OF_CASES, _PRESENT, _LEFT_OUT[0]),  # the last: `pattern preview`, `hunt`
    ),
    "notifier": Process({"notifier": (topics.INCIDENTS, topics.ESCALATIONS, topics.PLATFORM_ALERTS)}, "notifier"),
    "consents": Process({"consents": (topics.CONSENTS,)}, "consents", asks=_OF_SUBJECTS),
    "auditor": Process(
        {
            "auditor": (
                topics.ACTIVATIONS,
                topics.APPROVALS,
                topics.CONTROLS,
                topics.ATTACK_PATTERNS,
                topics.POLICIES,
                topics.TENANTS,
                topics.REDRIVES,
            )
        },
        "audit",
    ),
    "people": Process(
        {}, "access", asks=_HOLDERS
    ),  # `people`: who may sign in; what others need of it they ask by functions
    "imagery": Process(
        {"imagery": (topics.SUSPICIONS,)},
        "imagery",
        reads_schemas=("triage", "audit", "consents", "access"),
        reads_columns={"ledger.windows": _COUNTED_DAYS},
        adds_rows={**_BEGUN, "access.sessions": (*_SESSION, "vouched_until", "handed_from")},
        changes_columns=_SIGNED_IN,
        removes_rows=(*_FORGOTTEN, "access.handovers"),
        asks=(*_OF_SUBJECTS, _RESTRICTED),
    ),
    # what people do with cases, by triage's own code: it opens none, and removes nothing of them; and figures
    "console": Process(
        reads_schemas=("triage", "access", "proofwatch"),
        reads_columns={**_WINDOWS, **_INCIDENTS, **_LOG},
        adds_rows={
            **_BEGUN,
            "access.sessions": (*_SESSION, "vouched_until"),
            "access.vouchers": _VOUCHED,
            "access.flows": _FLOW,
            "access.handovers": _HANDOVER,
            "access.logouts": _LOGOUT,
            "triage.assignments": ("case_id", "person_id", "assigned_at", "assigned_by", "why"),
            "triage.case_transitions": (
                "case_id",
                "revision",
                "from_state",
                "to_state",
                "trigger",
                "why",
                "source_id",
                "source_revision",
                "at",
            ),
            "triage.case_acts": ("case_id", "at", "deed", "from_stage", "to_stage", "person_id", "reason"),
            "triage.dispositions": (
                "disposition_id",
                "case_id",
                "verdict",
                "attack",
                "species",
                "reason",
                "proposed_by",
                "proposed_at",
                "on_revision",
                *_SETTLED,
            ),
            "triage.rereviews": ("disposition_id", "case_id", "drawn_at"),
            "triage.parts": ("whole_id", "part_id", "joined_at", "joined_by", "why"),
            "triage.unsent": ("case_id", "kind", "body"),
            "triage.notes": ("note_id", "case_id", "person_id", "at", "key_id", "nonce", "ciphertext"),
            "triage.patterns": _PATTERN,
            "triage.pattern_acts": (
                "pattern_id",
                "revision",
                "at",
                "deed",
                "from_state",
                "to_state",
                "person_id",
                "reason",
            ),
            "triage.lookbacks": _LOOKBACK,
            "triage.bulks": ("person_id", "key", "digest", "begun_at"),
            "triage.bulk_results": ("person_id", "key", "number", "case_id", "code", "detail", "seen"),
        },
        changes_columns={
            **_SIGNED_IN,
            "access.sessions": (*_SIGNED_IN["access.sessions"], "vouched_until"),
            "access.vouchers": _VOUCHED[1:],
            "triage.assignments": ("released_at", "released_by"),
            "triage.rereviews": (
                "given_to",
                "given_at",
                "verdict",
                "attack",
                "species",
                "reason",
                "judged_at",
            ),
            "triage.cases": (
                "state",
                "revision",
                "version",
                "changed_at",
                "closed_at",
                "closed_by",
                "closed_reason",
                "due_at",
                "part_of",
                "parts_grave",
                "queue",
                "severity",
                "rest_hours",
                "snoozed_at",
                "snoozed_until",
                "stage",
                "told_overdue_at",
            ),
            "triage.dispositions": _SETTLED,
            "triage.parts": ("left_at", "left_by", "left_why"),
            "triage.patterns": _PATTERN[1:],
        },
        removes_rows=(*_FORGOTTEN, "access.vouchers", "access.flows", "access.handovers", "access.logouts"),
        asks=(*_OF_NOTES, _OF_CASES, _OF_PROVIDER),
    ),
    # `erase`, `hold`, `keys`: tables are changed by the functions that each schema has for it
    "privacy": Process(
        {},
        "privacy",
        reads_schemas=("audit",),
        calls_schemas=("consents", "imagery", "ledger", "notifier", "triage"),
        asks=(*_OF_SUBJECTS, *_HOLDERS),
        takes_over={"scorer": (topics.TRANSACTIONS,)},
    ),
    # people at the command line, by what they are to the house: `services/command_traces.py` has their commands
    "governance": Process(enters=True),  # `policy`, `tenant`, `control`, `pattern`
    "sre": Process(  # `dlq`
        {"redrive": (topics.REDRIVES,)},
        every=("READ",),
        redrives=True,
        asks=(*_LEFT_OUT, _ANYBODY),
        enters=True,
    ),
    "audit-reader": Process(reads_schemas=("audit",)),  # `audit export`, `prove`, `show`, `search`
    "fraud": Process(  # `rates` …, `explain`, `troubleshoot`, `backtest`, `export training`
        reads_schemas=("consents", "ledger", "windows"),
        asks=(_TAGS, *_LEFT_OUT),
        follows=(*_JOURNEY, *_REFUSED_ON, topics.CONSENTS, *_CONTRACTS),
        reads_columns={  # `troubleshoot`
            "imagery.flagged": ("tenant", "transaction_id", "flagged_at"),
            "imagery.leases": ("lease_id", "tenant", "transaction_id"),
            "imagery.views": ("lease_id", "intended_at", "state"),
            "triage.case_reasons": ("case_id", "transaction_id", "code", "at"),
            "triage.cases": ("case_id", "tenant", "state", "severity"),
        },
        adds_rows={  # `baseline rebase`, `markers add`: what people say, which stays
            "windows.rebases": ("tenant", "segment_name", "segment_value", "metric", *_SAID),
            "windows.declared_markers": ("tenant", "name", "version", "at_ms", *_SAID[1:]),
        },
    ),
    "on-call": Process(  # `notify`
        reads_schemas=("notifier",),
        adds_rows={
            "notifier.silences": ("silence_id", "matchers", "begins_ms", "ends_ms", "author", "comment", "made_ms"),
            "notifier.acknowledgements": ("group_id", "sequence", "by", "comment", "at_ms"),
        },
        changes_columns={"notifier.silences": ("ends_ms", "expired_by"), "notifier.groups": ("wake_ms",)},
    ),
    "billing": Process(  # `statement`
        reads_columns={
            "ledger.fence": _FENCE,
            "ledger.removed": _REMOVED,
            "ledger.transactions": ("tenant", "logged_ms", "occurred_us"),
            "ledger.windows": ("tenant", "day", "start_ms", "end_ms", "match_requested", "liveness_requested"),
        },
        follows=_CONTRACTS,
        purpose=Purpose.BILLING,
    ),
    "statistics": Process(
        schema="outputs",
        reads_columns={
            "ledger.transactions": ("tenant",),
            "ledger.windows": ("tenant",),
            "ledger.removed": ("tenant",),
        },
        counts_columns={
            "ledger.fence": _FENCE,
            "ledger.removed": ("before_ms",),
            "ledger.transactions": ("logged_ms", "occurred_us", "decision", "segments", "person"),
            "ledger.windows": ("day", "start_ms", "end_ms"),
        },
        follows=_CONTRACTS,
        purpose=Purpose.MAINTAIN_AND_DELIVER_STATISTICS,
    ),
    "topics": Process(every=("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS")),
}
"""Every principal of ours. Who else is named in the manifests (upstream, platform …) is somebody else's."""


def principal_of(process: str, template: str = TEMPLATE) -> str:
    """Return the principal of a process; `template` holds {process} where its name belongs."""
    return template.replace("{process}", process)


def acls(manifests: Mapping[str, Manifest], template: str = TEMPLATE) -> list[Acl]:
    """Return what every process of ours needs on Kafka, sorted, none twice."""
    return sorted(
        {
            Acl(principal_of(name, template), *permission)
            for name, process in PROCESSES.items()
            for permission in _permissions(name, process, manifests)
        }
    )


def others(manifests: Mapping[str, Manifest], template: str = TEMPLATE) -> list[Acl]:
    """Return what those need on Kafka who are named in the manifests and are not of ours.

    Their consumer groups are theirs to name; here they begin with the name of the principal.
    """
    names = {name for each in manifests.values() for name in (*each.producers, *each.consumers)} - PROCESSES.keys()
    found: set[Acl] = set()
    for name in names:
        who = principal_of(name, template)
        found |= {Acl(who, *permission) for permission in _of_manifests(name, manifests)}
        if any(name in each.consumers for each in manifests.values()):
            found.add(Acl(who, "group", f"{name}", "prefixed", "READ"))
    return sorted(found)


_Permission = tuple[ResourceType, str, PatternType, Operation]


def _permissions(name: str, process: Process, manifests: Mapping[str, Manifest]) -> Iterator[_Permission]:
    yield from _of_manifests(name, manifests)
    yield from _of_looks(process)
    for topic in (each for read in process.groups.values() for each in read):
        if dead_letter := manifests[topic].dead_letter:
            yield "topic", dead_letter, "literal", "WRITE"
            yield "topic", dead_letter, "literal", "READ"  # the cap looks at what went there lately
            yield "topic", topics.PLATFORM_ALERTS, "literal", "READ"  # and at the alerts that it raised
    for group, read in (*process.transacting().items(), *process.takes_over.items()):
        yield "group", group, "literal", "READ"
        for topic in read:
            yield "transactional-id", f"{group}-{topic}-", "prefixed", "WRITE"
            yield "transactional-id", f"{group}-{topic}-", "prefixed", "DESCRIBE"
    for manifest in manifests.values():
        for topic in filter(None, (manifest.name, manifest.dead_letter)):
            for operation in process.every:
                yield "topic", topic, "literal", operation
        if process.redrives and manifest.dead_letter:
            yield "topic", manifest.name, "literal", "WRITE"


def _of_looks(process: Process) -> Iterator[_Permission]:
    for group, topic in process.watches.items():
        yield "group", group, "literal", "DESCRIBE"
        yield "topic", topic, "literal", "READ"
    for topic in process.follows:
        yield "topic", topic, "literal", "READ"
    for topic in process.describes:
        yield "topic", topic, "literal", "DESCRIBE"


def _of_manifests(name: str, manifests: Mapping[str, Manifest]) -> Iterator[_Permission]:
    for manifest in manifests.values():
        if name in manifest.producers:
            yield "topic", manifest.name, "literal", "WRITE"
        if name in manifest.consumers:
            yield "topic", manifest.name, "literal", "READ"
