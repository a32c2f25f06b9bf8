"""Every exit that a person opens: its purpose, what leaves through it, and who may use it. Pure.

Categories are those of the fields of events that leave, as their schemas say, or of the fields that an exit names
itself. So a new field of an event that serves another purpose closes the exit, and a test says so.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from proofwatch.access.roles import Act
from proofwatch.events import topics
from proofwatch.events.categories import categories_of
from proofwatch.governance.purposes import Category, Purpose


class Exit(NamedTuple):
    """What leaves by its name: fields of `events`, and `fields` of its own with their categories.

    `own`: what leaves is about who asks, whatever tenants they see. `reads`: topics and stores that it reads as a
    whole; each must have its purpose among its own. What an exit reads by column stands with its database role
    (`services.operations.access`).
    """

    name: str
    purpose: Purpose
    act: Act
    reads: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    fields: Mapping[str, Category] = {}
    own: bool = False

    def categories(self) -> frozenset[Category]:
        """Return the categories of everything that may leave here."""
        of_events = (category for name in self.events for category in categories_of(name).values())
        return frozenset({*self.fields.values(), *of_events})


_FIGURES: Final = ("rates", "windows", "handsets", "what-if", "markers", "baseline show")
_ACCOUNT, _USAGE, _CONFIGURATION = Category.ACCOUNT, Category.DIAGNOSTIC_AND_USAGE, Category.CONFIGURATION

STATEMENT: Final = Exit(
    "statement",
    Purpose.BILLING,
    Act.STATE_USAGE,
    fields={
        "tenant": _ACCOUNT,
        "purpose": _USAGE,
        "month": _USAGE,
        "read_until": _USAGE,
        "provisional": _USAGE,
        "day": _USAGE,
        "transactions": _USAGE,
        "match_checks": _USAGE,
        "liveness_checks": _USAGE,
    },
)
STATISTICS: Final = Exit(
    "statistics", Purpose.MAINTAIN_AND_DELIVER_STATISTICS, Act.DELIVER_STATISTICS, fields={"tenant": _ACCOUNT}
)
"""Beside the tenant's name there are anonymous counts alone, which stand outside of the matrix."""
EXPORT_TRAINING: Final = Exit(
    "export training",
    Purpose.IMPROVE_AND_DEVELOP,
    Act.EXPORT_TRAINING,
    fields={"scores, timings, handsets, labels": _USAGE},
)
"""What is sensitive is asked for each subject by its consent (`services.outputs.core.training`)."""
TROUBLESHOOT: Final = Exit(
    "troubleshoot",
    Purpose.TROUBLESHOOTING,
    Act.READ_TRANSACTION,
    (
        topics.TRANSACTIONS, topics.VERDICTS, topics.GUIDANCE, topics.SUSPICIONS, topics.LABELS, topics.POLICIES,
        "ledger", "triage", "imagery",
    ),
    ("transaction", "verdict", "label", "guidance", "suspicion", "policy", "dead-letter"),
)  # fmt: skip
EXPLAIN: Final = Exit(
    "explain",
    Purpose.TROUBLESHOOTING,
    Act.READ_TRANSACTION,
    (topics.TRANSACTIONS, topics.VERDICTS, topics.POLICIES),
    ("transaction", "verdict", "policy"),
)
BACKTEST: Final = Exit(
    "backtest",
    Purpose.PROVIDE_FEATURES,
    Act.READ_FIGURES,
    (topics.TRANSACTIONS, topics.LABELS, topics.POLICIES, "ledger"),
    ("transaction", "verdict", "label", "policy"),
)
FIGURES: Final[Mapping[str, Exit]] = {
    name: Exit(name, Purpose.TROUBLESHOOTING, Act.READ_FIGURES, ("windows", "ledger"), ("window", "policy"))
    for name in _FIGURES
}
DET: Final = Exit("det", Purpose.TROUBLESHOOTING, Act.READ_FIGURES, ("windows", "ledger"), ("window", "policy"))
"""Of the console alone: error curves of a tenant."""
ANOMALIES: Final = Exit("anomalies", Purpose.TROUBLESHOOTING, Act.READ_FIGURES, ("incidents",), ("incident",))
"""Of the console alone: what fires of a tenant, and what fired."""
ACCEPTED_ATTACKS: Final = Exit(
    "accepted-attacks",
    Purpose.PROVIDE_FEATURES,
    Act.READ_TRANSACTION,
    fields={
        "tenant": _ACCOUNT,
        "transaction_id": _ACCOUNT,
        "occurred, labelled, kind, species": _USAGE,
        "segment values": Category.IDENTIFICATION,
    },
)
"""Which accounts upstream is to hold: what the service is for, so it is provided under the contract."""
BASELINE_REBASE, MARKERS_ADD = (
    Exit(
        name,
        Purpose.MAINTAIN_AND_DELIVER_STATISTICS,
        Act.PROPOSE_BASELINE,
        fields={"tenant": _ACCOUNT, "what is usual from when on": _CONFIGURATION},
    )
    for name in ("baseline rebase", "markers add")
)
"""What changes what is watched: nothing leaves but whether the tenant and its segment are there."""
CONTROL: Final = Exit(
    "control",
    Purpose.PROVIDE_FEATURES,
    Act.TURN_CONTROLS,
    fields={"tenant": _ACCOUNT, "what is in force": _CONFIGURATION},
)
"""`control on|off`."""
DLQ_SHOW: Final = Exit(
    "dlq show",
    Purpose.TROUBLESHOOTING,
    Act.READ_DEAD_LETTERS,
    events=("transaction", "verdict", "label", "guidance", "suspicion", "policy", "dead-letter"),
)
"""A record that could not be read may be any, whole."""
DLQ_REDRIVE, SUBJECTS_REPAIR, RESTORE_RELAY = (
    Exit(name, Purpose.TROUBLESHOOTING, Act.REPAIR_PLATFORM, fields={"places and reasons": _USAGE})
    for name in ("dlq redrive", "subjects repair", "restore relay")
)
NOTIFY: Final = Exit("notify", Purpose.TROUBLESHOOTING, Act.HANDLE_ALERTS, ("notifier",), ("notification",))
"""What people were told and why; silences and acknowledgements, which are entries of their own as well."""
_LOG: Final = {"accounts": _ACCOUNT, "acts": _USAGE, "documents": _CONFIGURATION}
AUDIT: Final[Mapping[str, Exit]] = {
    name: Exit(name, Purpose.TROUBLESHOOTING, act, fields=_LOG, own=name.endswith("--own"))
    for name, act in (
        ("audit export", Act.READ_ALL_ENTRIES),
        ("audit prove", Act.READ_ALL_ENTRIES),
        ("audit show", Act.READ_ALL_ENTRIES),
        ("audit search", Act.READ_ALL_ENTRIES),
        ("audit search --own", Act.READ_OWN_ENTRIES),
    )
}
"""Reads of the audit log are entries of it."""
AUDIT_PAGES: Final[Mapping[str, Exit]] = {
    name: Exit(name, Purpose.TROUBLESHOOTING, act, fields=_LOG)
    for name, act in (("audit team", Act.READ_TEAM_ENTRIES), ("audit views", Act.READ_REPORTS_OF_ACCESS))
}
"""What the console alone opens: what people did with cases and imagery, and who has seen what."""
PEOPLE_LIST: Final = Exit(
    "people list", Purpose.MAINTAIN_AND_DELIVER_STATISTICS, Act.READ_PEOPLE, fields={"accounts": _ACCOUNT}
)
PEOPLE_REVIEW: Final = Exit(
    "people review", Purpose.MAINTAIN_AND_DELIVER_STATISTICS, Act.READ_PEOPLE, fields={"accounts": _ACCOUNT}
)
TOKENS_LIST: Final = Exit(
    "tokens list", Purpose.MAINTAIN_AND_DELIVER_STATISTICS, Act.READ_PEOPLE, fields={"accounts": _ACCOUNT}
)
IMAGERY_RECONCILE: Final = Exit(
    "imagery reconcile",
    Purpose.TROUBLESHOOTING,
    Act.READ_REPORTS_OF_ACCESS,
    fields={"views": _USAGE, "references": Category.IDENTIFICATION},
)
IMAGERY_SHARE: Final = Exit(
    "imagery share", Purpose.MAINTAIN_AND_DELIVER_STATISTICS, Act.READ_REPORTS_OF_ACCESS, fields={"tenant": _ACCOUNT}
)
"""Beside the tenant's name there are counts alone, none of few."""
PRIVACY_SCAN: Final = Exit(
    "privacy scan", Purpose.TROUBLESHOOTING, Act.SEARCH_SUBJECT, fields={"where, how often": _USAGE}
)
"""What it searches is everything; what it says is whether and where, of a person whom it was told."""
EXITS: Final[Mapping[str, Exit]] = {
    each.name: each
    for each in (
        STATEMENT, STATISTICS, EXPORT_TRAINING, TROUBLESHOOT, EXPLAIN, BACKTEST, *FIGURES.values(), ACCEPTED_ATTACKS,
        BASELINE_REBASE, MARKERS_ADD, CONTROL, DLQ_SHOW, DLQ_REDRIVE, SUBJECTS_REPAIR, RESTORE_RELAY, NOTIFY,
        *AUDIT.values(), PEOPLE_LIST, PEOPLE_REVIEW, TOKENS_LIST, IMAGERY_RECONCILE, IMAGERY_SHARE, PRIVACY_SCAN,
    )
}  # fmt: skip
