"""Simulated transactions, the windows that they make, and the folder of a run that holds these."""

import random
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import msgspec

from proofwatch.biometrics.edges import SCORE_GRID, TIME_GRID, edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts
from proofwatch.events import types
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.labelled import WindowKey
from services.aggregator.core.labelled_windows import Labelled
from services.aggregator.core.labelled_windows import window_event as labelled_event
from services.aggregator.core.merge import deltas, merge, widened
from services.aggregator.core.publishing import window_event
from services.aggregator.core.times import DAY_MS, MINUTE_MS

DAY = 20_000
START_MS = DAY * DAY_MS
TENANT = "kestrel-telecom"


class Shot(NamedTuple):
    """A transaction: when, on what, its scores (None: missing) and its thresholds, its truth of either kind."""

    at_ms: int
    model: str
    match: float | None
    liveness: float | None
    match_threshold: float
    liveness_threshold: float
    capture_ms: float
    pair: str
    presentation: str
    """bona_fide, attack:<species> or injection:<method>."""

    @property
    def rejected(self) -> bool:
        """Return whether a check fails or is missing."""
        return self.rejected_at(self.match_threshold, self.liveness_threshold)

    def rejected_at(self, match: float, liveness: float) -> bool:
        """Return the same at other thresholds."""
        return self.match is None or self.match < match or self.liveness is None or self.liveness < liveness


def shots(n: int, seed: int, *, days: int = 2, thresholds: tuple[float, ...] = (0.995,)) -> list[Shot]:
    """Return n transactions over some days; the threshold of liveness changes from part to part of them."""
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        at_ms = START_MS + rng.randrange(days * DAY_MS)
        attack = rng.random() < 0.2
        found.append(
            Shot(
                at_ms,
                rng.choice(("A-1", "A-1", "A-1", "B-2", "=C3")),
                None if rng.random() < 0.02 else rng.betavariate(12, 1),
                None if rng.random() < 0.02 else rng.betavariate(3, 1) if attack else rng.betavariate(200, 1),
                0.85,
                thresholds[(at_ms - START_MS) * len(thresholds) // (days * DAY_MS)],
                rng.lognormvariate(7.5, 0.5),
                "impostor" if rng.random() < 0.1 else "genuine",
                rng.choice(("attack:print", "attack:mask", "injection:camera")) if attack else "bona_fide",
            )
        )
    return found


def cells(taken: Iterable[Shot]) -> Iterator[types.Cell]:
    """Yield a cell for every transaction and segment, by a policy for each pair of thresholds."""
    for shot in taken:
        counts = {"transactions": 1, "timing.capture_ms": 1}
        counts["decision.retry" if shot.rejected else "decision.accept"] = 1
        sketches = {"capture_ms": wire((), TIME_GRID, shot.capture_ms)}
        for check, score, threshold in (
            ("match", shot.match, shot.match_threshold),
            ("liveness", shot.liveness, shot.liveness_threshold),
        ):
            outcome = "missing" if score is None else "pass" if score >= threshold else "fail"
            counts[f"{check}.{outcome}"] = 1
            if score is not None:
                sketches[check] = wire((threshold,), SCORE_GRID, score)
        for name, value in ((None, None), ("device_model", shot.model)):
            yield types.Cell(
                tenant=TENANT,
                start=shot.at_ms - shot.at_ms % MINUTE_MS,
                segment_name=name,
                segment_value=value,
                policy_hash=f"{shot.liveness_threshold}".replace(".", "0").ljust(32, "0"),
                counts=dict(counts),
                sums={"capture_ms": shot.capture_ms},
                sketches=deepcopy(sketches),
            )


def wire(thresholds: tuple[float, ...], grid: str, value: float) -> types.Sketch:
    """Return the sketch of one value."""
    sketch = Sketch(edge_set(thresholds, grid))
    sketch.add(value)
    return types.Sketch(**sketch.to_wire()._asdict())


def windows(taken: list[Shot], *, small_cell: int = 0) -> list[types.Window]:
    """Return the windows that are published of them: of all lengths, and the labelled days."""
    found = []
    for bucket, changed in merge({}, widened(deltas(cells(taken)), utc_days)):
        for window in changed:
            window.revision = 1
            event = window_event(WindowRevision(bucket.key, window, backfill=False), utc_days)
            if event.segment_name is None or event.length_s == 86_400 or event.counts["transactions"] >= small_cell:
                found.append(event)
    days = sorted({shot.at_ms // DAY_MS for shot in taken})
    for day in days:
        of_day = [shot for shot in taken if shot.at_ms // DAY_MS == day]
        for name, value in (("", ""), *(("device_model", model) for model in sorted({s.model for s in of_day}))):
            mine = [shot for shot in of_day if value in ("", shot.model)]
            key = WindowKey(day, TENANT, name, value)
            labelled = Labelled(key, 1, False, classes(mine), (len(mine), len(mine)), {"0" * 32: len(mine)})
            found.append(labelled_event(labelled, load_policy(), UTC_DAYS))
    return found


def classes(taken: list[Shot]) -> dict[str, ClassCounts]:
    """Return the labelled outcomes of transactions that all have labels."""
    found: dict[str, ClassCounts] = {}
    for name in sorted({shot.pair for shot in taken} | {shot.presentation for shot in taken}):
        match = name in ("genuine", "impostor")
        mine = [shot for shot in taken if name in (shot.pair, shot.presentation)]
        pairs = [
            (shot.match, shot.match_threshold) if match else (shot.liveness, shot.liveness_threshold) for shot in mine
        ]
        sketches = Sketch(edge_set(tuple({threshold for _, threshold in pairs})))
        sketches.add_many(score for score, _ in pairs if score is not None)
        passed = sum(score is not None and score >= threshold for score, threshold in pairs)
        missing = sum(score is None for score, _ in pairs)
        found[name] = ClassCounts(passed, len(pairs) - passed - missing, missing, sketches)
    return found


def write_run(directory: Path, taken: list[types.Window]) -> Path:
    """Write the folder of a run; return it."""
    directory.mkdir(exist_ok=True)
    (directory / "windows.jsonl").write_bytes(b"\n".join(msgspec.json.encode(each) for each in taken) + b"\n")
    (directory / "policy.json").write_bytes(load_policy().canonical())
    return directory
