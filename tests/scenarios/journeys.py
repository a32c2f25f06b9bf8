"""Scripted days through the whole system, as `proofwatch demo` runs one: from transactions to incidents.

The day is the simulator's, of three tenants; a cause is planted by changing its records. What is said is read from the
files that the run writes.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import uvloop

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Anomaly, Transaction
from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.simulation.scenario import Scenario, Wave
from proofwatch.simulation.traffic import HOUR_MS, simulate
from services.standalone.runner import Run, carry_out
from tests.scenarios.plants import LIVENESS
from tests.scenarios.targets import Target
from tests.scenarios.watchers import GRACE_MS

STANDING: Final = (("device_model", "A-1801"), ("os_version", "11"))
"""The handset of the simulated market whose users fail liveness twice as often as policy expects, every day."""
_SEGMENTS: Final = ("sex", "age_band", "country", "device_model")
_CHUNK: Final = 500
_WINDOW_MS: Final = 1_800_000
_encode = msgspec.json.Encoder().encode
_transaction = msgspec.json.Decoder(Transaction).decode
_anomaly = msgspec.json.Decoder(Anomaly).decode

Change = Callable[[Transaction, bool], Transaction | None]
"""Returns what becomes of a tenant's transaction, which comes while the plant holds or not; None: it does not come."""


class Journey(NamedTuple):
    """A day. The plant holds for `tenant` from `from_h` until `to_h`; a true incident names one of `roots`.

    `metrics`: what it moves; `rules`: that are about it whatever the metric.

    `waves`: the simulator's own attacks; `change`: what becomes of the tenant's transactions.
    """

    name: str
    what: str
    tenant: str
    from_h: float
    to_h: float
    roots: tuple[tuple[str | None, str | None], ...]
    targets: tuple[Target, ...]
    metrics: frozenset[str] = LIVENESS
    rules: frozenset[str] = frozenset({"saturation", "few_values", "score_shift", "version_shift"})
    waves: tuple[Wave, ...] = ()
    change: Change | None = None
    events: int = 50_000


def play(journey: Journey, seed: int, out: Path, *, quick: bool = False) -> dict[str, Any]:
    """Run the day, write it to `out`, and return its figures."""
    scenario = replace(Scenario(events=12_000 if quick else journey.events, seed=seed), waves=journey.waves)
    start_ms = round(scenario.start.timestamp() * 1000)
    day = Run(
        title=journey.name,
        policy=load_policy(),
        chunks=lambda: _chunks(journey, scenario, start_ms),
        total=None,
        start_ms=start_ms,
        out=out,
        headless=True,
        calendar=UTC_CALENDAR,
        segments=_SEGMENTS,
    )
    summary = uvloop.run(carry_out(day))
    return _figures(journey, out, start_ms) | {"transactions": summary["conservation"]["consumed"]}


def _chunks(journey: Journey, scenario: Scenario, start_ms: int) -> Iterator[Sequence[Outgoing]]:
    records = changed(journey, simulate(scenario), start_ms)
    while chunk := list(islice(records, _CHUNK)):
        yield chunk


def changed(journey: Journey, records: Iterator[Outgoing], start_ms: int) -> Iterator[Outgoing]:
    """Yield the records of the day that began at `start_ms`, with the journey's cause planted in them."""
    passed: set[str] = set()
    for record in records:
        hour = ((record.timestamp_ms or 0) - start_ms) / HOUR_MS
        key = (record.key or b"").decode()
        ours = record.topic == topics.TRANSACTIONS and key.startswith(f"{journey.tenant}/")
        if journey.change is None or not ours or record.value is None:
            yield record
            continue
        try:
            before = _transaction(record.value)
        except msgspec.DecodeError:
            yield record
            continue
        after = journey.change(before, journey.from_h <= hour < journey.to_h)
        if after is None or before.subject_ref in passed:
            continue
        if after.liveness_score == 1.0:
            passed.add(before.subject_ref)  # who passes now does not come again
        yield record._replace(value=_encode(after))


def _figures(journey: Journey, out: Path, start_ms: int) -> dict[str, Any]:
    from_ms, until_ms = (start_ms + round(hour * HOUR_MS) for hour in (journey.from_h, journey.to_h))
    told = [json.loads(line) for line in (out / "incidents.jsonl").read_bytes().splitlines()]
    strong = [each for each in told if each["evidence"] == "strong" and each["state"] != "merged"]
    found = _findings(journey, out, from_ms, until_ms)
    ids = {event.anomaly_id for event in found}
    about = [each for each in strong if ids & {each["lead"]["anomaly_id"], *each["children"]}]
    roots = [(each["root"]["segment_name"], each["root"]["segment_value"]) for each in about]
    own = [event for event in found if _where(event) in ((None, None), *journey.roots)]
    first = min((ms_of(event.window_end) for event in own), default=None)
    return {
        "high_50_s": None if first is None else (first + GRACE_MS - from_ms) / 1000,
        "told": float(bool(roots)),
        "incidents": len(roots),
        "right": float(bool(roots) and roots[0] in journey.roots) if found else None,
        "incidents_all": len(strong),
        "titles": [each["title"] for each in strong],
    }


def _findings(journey: Journey, out: Path, from_ms: int, until_ms: int) -> list[Anomaly]:
    """Return the tenant's findings of high severity, in what the plant moves, that began with it or later."""
    events = map(_anomaly, (out / "anomalies.jsonl").read_bytes().splitlines())
    return [
        event
        for event in events
        if (event.tenant, event.state, event.severity) == (journey.tenant, "firing", "high")
        and (event.metric in journey.metrics or event.rule in journey.rules)
        and _where(event) not in set(STANDING) - set(journey.roots)
        and from_ms - _WINDOW_MS <= ms_of(event.since or event.window_start) < until_ms
        and ms_of(event.window_end) > from_ms
    ]


def _where(event: Anomaly) -> tuple[str | None, str | None]:
    return (event.segment_name, event.segment_value)
