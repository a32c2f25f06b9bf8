"""Accepted attacks of the folder of a demo or a replay: `labels.jsonl`, joined with `verdicts.jsonl`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from proofwatch.events.rejected import Rejected
from proofwatch.governance.policy import load_policy
from services.aggregator.core.accepted import Accepted, accepted_attack, in_order, is_wanted
from services.aggregator.core.entries import Entry, Key, fold
from services.aggregator.core.found import NothingFound, Query
from services.aggregator.core.labelled_intake import label_entry, verdict_entry
from services.aggregator.queries.run_source import policy_of_run, unread


class _Head(msgspec.Struct):
    tenant: str


_tenant_of = msgspec.json.Decoder(_Head).decode


def accepted_of_run(directory: Path, query: Query, species: str | None) -> list[Accepted]:
    """Return them in the order in which they occurred. Raises `NothingFound`, `InvalidPolicy`.

    A run keeps no log times: of several verdicts on a transaction the first line counts.
    """
    tenants: set[str] = set()
    labels = fold(_entries(directory / "labels.jsonl", query.tenant, set(), label_entry))
    catalogue = frozenset((policy_of_run(directory) or load_policy()).segments)
    path = directory / "verdicts.jsonl"
    verdicts = _entries(path, query.tenant, tenants, lambda line, nth: verdict_entry(line, nth, catalogue))
    entries = fold((key, entry.join(labels[key])) for key, entry in verdicts if key in labels)
    if query.tenant not in tenants:
        there = ", ".join(sorted(tenants)) or "none"
        raise NothingFound(f"{path} has no verdicts of a tenant {query.tenant!r}; there are: {there}")
    found = (_accepted(key, entry) for key, entry in entries.items())
    return in_order(each for each in found if each is not None and is_wanted(each, query, species))


def _accepted(key: Key, entry: Entry) -> Accepted | None:
    trial = entry.trial
    if trial is None:
        return None
    found = accepted_attack(key[1], trial.decision, trial.occurred_us, trial.segments, entry.pair, entry.presentation)
    return found and found._replace(labelled_ms=None)


def _entries(
    path: Path, tenant: str, tenants: set[str], read: Callable[[bytes, int], tuple[Key, Entry]]
) -> Iterator[tuple[Key, Entry]]:
    """Yield what the lines of the tenant say; `tenants` gets everybody's name."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    tenants.add(whose := _tenant_of(line).tenant)
                    if whose == tenant:
                        yield read(line.strip(), number)
                except (msgspec.DecodeError, Rejected) as error:
                    raise NothingFound(f"{path}, line {number}: {error}; right is what a run wrote") from None
    except OSError as error:
        raise unread(path, error) from None
