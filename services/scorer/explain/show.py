"""An explanation as tables that a compliance officer reads, and as JSON for tools.

Personal data (the subject's reference, segment values, the device's reference) stays out unless asked for; imagery
references are never shown.
"""

from typing import IO, Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

from proofwatch.governance.policy import Policy
from proofwatch.local_time import second
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import Terminal, inline, literal
from services.scorer.core.rules import CheckStatus
from services.scorer.core.trace import CheckTrace, RowTrace, why
from services.scorer.explain.reproduce import PERSONAL, Difference, Reproduction

_GIVEN: Final = (
    "Taken as recorded in the basis: failures before, the versions of controls and patterns, and step-up MFA. "
    "Everything else was computed from the event and the policy."
)
_HIDDEN: Final = "(personal, see --personal)"


class Explained(NamedTuple):
    """A reproduction with what it was made of."""

    reproduction: Reproduction
    policy: Policy
    place: str


def as_document(explained: Explained, *, personal: bool) -> dict[str, Any]:
    """Return the explanation for tools."""
    found = explained.reproduction
    verdict, basis = found.verdict, found.verdict.basis
    document: dict[str, Any] = {
        "transaction_id": verdict.transaction_id,
        "tenant": verdict.tenant,
        "occurred_at": verdict.occurred_at,
        "published_at": explained.place,
        "reproduced": found.reproduced,
        "bytes_differ": found.bytes_differ,
        "differences": [
            {"path": each.path, "published": value, "recomputed": own}
            for each in found.differences
            for value, own in (_values(each, personal),)
        ],
        "decision": verdict.decision,
        "action": verdict.action,
        "reasons": verdict.reasons,
        "policy": {"name": explained.policy.name, "hash": basis.policy_hash},
        "attempts_before": {"match": basis.attempts_before.match, "liveness": basis.attempts_before.liveness},
        "controls_version": basis.controls_version,
        "patterns_version": basis.patterns_version,
        "step_up": found.trace.step_up,
        "checks": [
            {
                "check": each.check,
                "score": each.score,
                "threshold": each.threshold,
                "marginal_below": each.marginal_below,
                "outcome": each.outcome,
                "failures_before": each.failures_before,
                "limit": each.limit,
                "standing": each.status.value,
                "why": why(each),
            }
            for each in found.trace.checks
        ],
        "rules": [
            {
                "rule": row.number,
                "liveness": [status.value for status in row.rule.liveness],
                "liveness_met": row.liveness_met,
                "match": [status.value for status in row.rule.match],
                "match_met": row.match_met,
                "decision": row.rule.decision,
                "action": row.rule.action,
                "applies": row.applies,
            }
            for row in found.trace.rows
        ],
        "withheld_segments": found.withheld,
    }
    if personal:
        document["subject_ref"] = verdict.subject_ref
        document["segments"] = verdict.segments
    return document


def write_text(explained: Explained, file: IO[str], *, personal: bool, zone: str | None = None) -> None:
    """Write the explanation as tables; `zone`: the tenant's clock, None: UTC."""
    console = Terminal(file)
    if not console.is_terminal:
        console.width = 140
    found, verdict = explained.reproduction, explained.reproduction.verdict
    basis, applied = verdict.basis, found.trace.applied
    action = "" if verdict.action == "none" else f": {verdict.action.replace('_', ' ')}"
    at = second(verdict.occurred_at, zone)
    of = f" of {verdict.tenant}, {at}"
    console.print(Text.assemble((one_line(verdict.transaction_id), "bold"), one_line(of)))
    if personal:
        segments = ", ".join(f"{name} {value}" for name, value in (verdict.segments or {}).items())
        console.print(literal(f"subject {verdict.subject_ref}{f'; {segments}' if segments else ''}"))
    console.print(f"[bold]{verdict.decision}{action}[/] {_why(verdict.reasons)}")
    console.print(_reproduced(found))
    for each in found.differences:
        published, own = _values(each, personal)
        console.print(literal(f"  {each.path}: published {_text(published)}, recomputed {_text(own)}"))
    console.print(_checks(found.trace.checks))
    console.print(_rules(found.trace.rows))
    console.print(f"Rule {applied.number} applies: {applied.rule.decision}{_action(applied.rule.action)}.")
    console.print(_step_up(found))
    window = explained.policy.attempts.window_hours
    console.print(
        f"policy {inline(explained.policy.name)} ({basis.policy_hash}), published at {inline(explained.place)}"
    )
    console.print(
        f"failures of the {window} hours before: match {basis.attempts_before.match}, liveness "
        f"{basis.attempts_before.liveness}; controls version {basis.controls_version}, patterns version "
        f"{basis.patterns_version}"
    )
    if found.withheld:
        console.print(literal(f"segments on the event and not on the verdict: {', '.join(found.withheld)}"))
    console.print(_GIVEN)


def _reproduced(found: Reproduction) -> str:
    if found.reproduced:
        return "reproduced: [green]yes[/], byte by byte"
    if found.differences:
        return f"reproduced: [bold red]no[/], {len(found.differences)} fields differ"
    return "reproduced: [bold red]no[/], the same content in other bytes"


def _checks(checks: tuple[CheckTrace, ...]) -> Table:
    table = Table("check", title="Checks", title_justify="left")
    for heading in ("score", "accepted from", "outcome", "failures before"):
        table.add_column(heading, justify="right")
    table.add_column("why")
    for each in checks:
        table.add_row(
            each.check,
            "–" if each.score is None else repr(each.score),
            repr(each.threshold),
            each.outcome.replace("_", " "),
            f"{each.failures_before} (limit {each.limit})",
            literal(why(each)),
        )
    return table


def _rules(rows: tuple[RowTrace, ...]) -> Table:
    table = Table("rule", title="The rule table", title_justify="left")
    for heading in ("liveness is", "met", "match is", "met", "then"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            f"{'→ ' if row.applies else ''}{row.number}",
            _statuses(row.rule.liveness),
            _met(row.liveness_met),
            _statuses(row.rule.match),
            _met(row.match_met),
            f"{row.rule.decision}{_action(row.rule.action)}",
            style="bold" if row.applies else "dim",
        )
    return table


def _step_up(found: Reproduction) -> str:
    if not found.trace.step_up:
        return "step-up MFA: not in force for this user."
    if found.verdict.action == "step_up_mfa":
        return "step-up MFA: in force for this user, so the accept asks for a second factor."
    return "step-up MFA: in force for this user; it changes nothing where the decision is not accept."


def _values(each: Difference, personal: bool) -> tuple[Any, Any]:
    hidden = not personal and each.path.startswith(PERSONAL)
    return (_HIDDEN, _HIDDEN) if hidden else (each.published, each.recomputed)


def _why(reasons: tuple[str, ...]) -> str:
    return f"({', '.join(reason.replace('_', ' ') for reason in reasons)})" if reasons else ""


def _statuses(statuses: tuple[CheckStatus, ...]) -> str:
    return " or ".join(status.value for status in statuses)


def _action(action: str) -> str:
    return "" if action == "none" else f": {action.replace('_', ' ')}"


def _met(met: bool) -> str:
    return "yes" if met else "no"


def _text(value: Any) -> str:
    return "nothing" if value is None else repr(value)
