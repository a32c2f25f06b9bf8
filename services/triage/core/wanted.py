"""Which cases somebody looks for."""

from typing import Final, NamedTuple, Self

from proofwatch.events.enumerations import EscalationSeverity
from services.triage.core.signals import Kind
from services.triage.core.tasks import Task

Severity = EscalationSeverity


class Wanted(NamedTuple):
    """What a case must have to be found; what is None is not asked for.

    `text`: the case's id or its first eight letters, an upstream's transaction, an incident or suspicion by its id,
    the value of a slice, the id of an attack pattern, or the name of who works on it; each as it is written.
    """

    tenant: str | None = None
    kind: Kind | None = None
    severity: Severity | None = None
    text: str | None = None
    task: Task | None = None

    @classmethod
    def given(
        cls,
        tenant: str = "",
        kind: Kind | None = None,
        severity: Severity | None = None,
        text: str = "",
        task: Task | None = None,
    ) -> Self:
        """Return it as somebody typed it: what is empty, or blank, is not asked for."""
        return cls(tenant.strip() or None, kind, severity, text.strip() or None, task)


ANY: Final = Wanted()
"""Whatever there is."""
