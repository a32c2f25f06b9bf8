"""What a run says at its end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from proofwatch.runtime.terminal import inline
from services.standalone.audit import FOLDER, KEY

_MOST_TOLD: Final = 10


def closing_lines(summary: dict[str, Any], out: Path) -> str:
    """Return what a run says at its end: the accounts, the figures that matter, and where everything is."""
    accounts, outputs = summary["conservation"], summary["outputs"]
    decisions = summary["decisions"]
    partial = summary.get("interrupted")
    lines = [
        *(
            [f"[bold red]{partial['said']}[/]: what was found up to {partial['up_to']}, not a whole run"]
            if partial
            else []
        ),
        f"[bold]{accounts['consumed']:,}[/] transactions in {summary['run']['seconds']:.1f} s "
        f"([bold]{summary['run']['events_per_second']:,}[/]/s): "
        f"{accounts['decided']:,} decided, {accounts['deduplicated']:,} deduplicated, "
        f"{accounts['dead_lettered']:,} dead letters; conservation "
        + ("[green]holds[/]" if accounts["holds"] else "[bold red]BROKEN[/]"),
        "verdicts: " + ", ".join(f"{name} {count:,}" for name, count in sorted(decisions.items())),
        ", ".join(f"{outputs[name]:,} {name}" for name in ("windows", "anomalies", "cases", "notifications")),
        *_worst(summary["incidents"], outputs["incidents"]),
        f"why one got its verdict: proofwatch explain TRANSACTION_ID --run {inline(str(out))}",
        *_imagery(summary["imagery"], inline(str(out))),
        f"is its audit log whole: proofwatch audit verify {inline(str(out / FOLDER))} --key {inline(str(out / KEY))}",
        "written:",
        *(f"  {inline(str(path))}" for path in sorted(out.iterdir())),
    ]
    return "\n".join(lines)


def _worst(titles: Sequence[str], number: int) -> list[str]:
    if not number:
        return ["[green]no incident[/]: nothing that chance does not explain"]
    more = [f"  … and {number - _MOST_TOLD:,} more in incidents.jsonl"] if number > _MOST_TOLD else []
    told = [f"  {inline(title)}" for title in titles[:_MOST_TOLD]]
    return [f"[bold red]{number:,} incident{'' if number == 1 else 's'}[/], the worst first:", *told, *more]


def _imagery(shown: Mapping[str, Any] | None, out: str) -> list[str]:
    """Return who saw a picture and who was refused, and how to read it in the log."""
    if shown is None:
        return ["imagery: nothing was flagged, so nobody can have asked for a picture"]
    if shown["failed"]:
        return [f"imagery: [bold red]nobody saw a picture[/]: {inline(shown['failed'])}"]
    what = "a drawn picture" if shown["drawn"] else "the picture"
    lines = []
    for each in shown["asked"]:
        who = f"[bold]{inline(each['name'])}[/] ({each['role']})"
        if each["view_id"]:
            of = f"{what} of {inline(shown['transaction_id'])}, case {shown['case_id'][:8]}, which is theirs"
            lines.append(f"imagery: {who} saw {of}: proofwatch audit show {each['view_id']} --run {out}")
        else:
            lines.append(f"imagery: {who} was refused: {inline(each['sentence'])}")
    return [*lines, f"who asked for imagery, and why: proofwatch audit search --entry-action 'imagery.*' --run {out}"]
