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

    `reads`: topics and stores that it reads as a whole; each must have its purpose among its own. What an exit reads
    by column stands with its database role (`services.operations.access`).
    """

    name: str
    purpose: Purpose
    act: Act
    reads: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    fields: Mapping[str, Category] = {}

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
EXITS: Final[Mapping[str, Exit]] = {
    each.name: each
    for each in (STATEMENT, STATISTICS, EXPORT_TRAINING, TROUBLESHOOT, EXPLAIN, BACKTEST, *FIGURES.values())
}
