"""The folder of a demo or a replay as a source: `windows.jsonl`, which holds what was published, and `policy.json`."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts
from proofwatch.events.types import Window
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.instants import ms_of
from services.aggregator.core.found import Found, NothingFound, Query, no_such_tenant, nothing_within
from services.aggregator.core.labelled import MISSING
from services.aggregator.core.merge import Histogram, PolicyCounts
from services.aggregator.core.segments import Segment
from services.aggregator.core.span import CountedWindow, LabelledWindow, Stretch, cover
from services.aggregator.core.times import DAY_S, MICROSECONDS

_decode = msgspec.json.Decoder(Window).decode


class _Head(msgspec.Struct):
    tenant: str


_tenant_of = msgspec.json.Decoder(_Head).decode


def load_run(directory: Path, query: Query) -> Found:
    """Return what the run published of the tenant. Raises `NothingFound`."""
    path = directory / "windows.jsonl"
    newest: dict[str, Window] = {}
    tenants: set[str] = set()
    for number, line in _lines(path):
        try:
            tenant = _tenant_of(line).tenant
            tenants.add(tenant)
            if tenant != query.tenant:
                continue
            window = _decode(line)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise NothingFound(f"{path}, line {number}: not a window ({error}); right is what a run wrote") from None
        known = newest.get(window.window_id)
        newer = known is None or window.revision >= known.revision
        if newer and query.wants((window.segment_name, window.segment_value)):
            newest[window.window_id] = window
    if query.tenant not in tenants:
        raise no_such_tenant(query.tenant, str(path), sorted(tenants))
    return _within(query, list(newest.values()))


def policy_of_run(directory: Path) -> Policy | None:
    """Return the policy that the run was decided by, if it says so. Raises `InvalidPolicy`."""
    path = directory / "policy.json"
    return load_policy(path) if path.exists() else None


def is_unfinished(directory: Path) -> bool:
    """Return whether the run goes on, or was broken off: the last thing that it writes is missing."""
    return not (directory / "summary.json").exists()


def unread(path: Path, error: OSError) -> NothingFound:
    """Return what to say of a run's file that cannot be read: what is wrong with it, and what would be right."""
    if path.parent.is_dir() and (path.parent / "windows.jsonl").exists() and is_unfinished(path.parent):
        return NothingFound(
            f"{path}: is not there yet: this run goes on, or was broken off; a run writes it at its end, with "
            "summary.json"
        )
    return NothingFound(
        f"{path}: cannot be read ({error.strerror}); give the folder that `proofwatch demo` or `replay` wrote"
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except OSError as error:
        raise unread(path, error) from None


def _within(query: Query, windows: Collection[Window]) -> Found:
    verdicts, labels = ([each for each in windows if each.kind == kind] for kind in ("decisions", "labelled"))
    stretches = {stretch_of(each) for each in verdicts}
    if query.length_s is None:
        chosen = cover(stretches, query.span)
    else:
        of_length = (each for each in stretches if each.length_s == query.length_s)
        chosen = {each for each in of_length if query.span.holds(each.start_ms, each.end_ms)}
    if not chosen:
        raise nothing_within(query, min(each.start_ms for each in stretches), max(each.end_ms for each in stretches))
    counted = [_counted(each) for each in verdicts if stretch_of(each) in chosen]
    days: dict[tuple[Stretch, Segment], LabelledWindow] = {}
    for each in (_unlabelled(each) for each in verdicts if each.length_s == DAY_S):
        days[each.at, each.segment] = each
    for each in map(_labelled, labels):
        blank = days.get((each.at, each.segment))
        days[each.at, each.segment] = each._replace(requested=blank.requested) if blank else each
    inside = [each for each in days.values() if query.span.holds(each.at.start_ms, each.at.end_ms)]
    return Found(counted, sorted(inside, key=lambda each: each.at.start_ms), published_only=True)


def stretch_of(window: Window) -> Stretch:
    """Return where in time a window lies."""
    return Stretch.between(window.length_s, ms_of(window.start), ms_of(window.end))


def _segment(window: Window) -> Segment:
    return (window.segment_name, window.segment_value)


def _counted(window: Window) -> CountedWindow:
    sums = {name: round(milliseconds * MICROSECONDS) for name, milliseconds in window.sums.items()}
    sketches = {name: Histogram(each.grid, each.thresholds, each.bins) for name, each in window.sketches.items()}
    counts = PolicyCounts(window.counts, sums, sketches)
    return CountedWindow(
        stretch_of(window), _segment(window), window.revision, window.backfill, (counts,), tuple(window.policies)
    )


def _unlabelled(window: Window) -> LabelledWindow:
    """Return a day of verdicts as one without labels: what asked for a check counts for coverage all the same."""
    requested = (_requested(window.counts, "match"), _requested(window.counts, "liveness"))
    return LabelledWindow(stretch_of(window), _segment(window), 0, False, {}, requested, ())


def _requested(counts: Mapping[str, int], check: str) -> int:
    return sum(counts.get(f"{check}.{outcome}", 0) for outcome in ("pass", "marginal", "fail", "missing"))


def _labelled(window: Window) -> LabelledWindow:
    classes: dict[str, ClassCounts] = {}
    for name in sorted({counter.rpartition(".")[0] for counter in window.counts}):
        sketch = window.sketches.get(name)
        passed, failed, missing = (window.counts.get(f"{name}.{each}", 0) for each in ("passed", "failed", MISSING))
        scores = Sketch.from_wire(sketch.grid, sketch.thresholds, sketch.bins) if sketch else None
        classes[name] = ClassCounts(passed, failed, missing, scores)
    return LabelledWindow(
        stretch_of(window),
        _segment(window),
        window.revision,
        window.backfill,
        classes,
        (0, 0),
        tuple(window.policies),
    )
