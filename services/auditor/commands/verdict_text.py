"""A verdict in words, for the terminal; the state stands first, and alone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from proofwatch.audit.verify import Verdict


def lines(verdict: Verdict) -> Iterator[str]:
    """Yield what the terminal shows."""
    yield verdict.state
    if verdict.state == "INVALID":
        yield f"  {verdict.where}: {verdict.fault}"
        if verdict.until != verdict.entry:
            yield f"  at fault: one or more of the entries from {verdict.entry} to {verdict.until}"
        elif verdict.entry is not None:
            yield f"  at fault: entry {verdict.entry}"
        return
    assert verdict.checkpoint is not None
    yield f"  log        {verdict.checkpoint.origin}"
    yield f"  entries    {verdict.entries:,} of {verdict.checkpoint.size:,}, all as they were signed"
    for each in verdict.cosigned:
        yield f"  witness    {each.witness.name} at {_instant(each.seconds)}"
    for place, words in enumerate(verdict.not_excluded):
        yield f"  {'' if place else 'not excluded:':13} {words}"


def as_json(verdict: Verdict) -> str:
    """Return the same for programs."""
    checkpoint = verdict.checkpoint
    return json.dumps(
        {
            "state": verdict.state,
            "origin": checkpoint.origin if checkpoint else None,
            "size": checkpoint.size if checkpoint else None,
            "root": checkpoint.root.hex() if checkpoint else None,
            "entries": verdict.entries,
            "where": verdict.where or None,
            "fault": verdict.fault or None,
            "first_entry_at_fault": verdict.entry,
            "last_entry_at_fault": verdict.until,
            "witnesses": [{"name": each.witness.name, "at": _instant(each.seconds)} for each in verdict.cosigned],
            "not_excluded": list(verdict.not_excluded),
        },
        indent=2,
    )


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
