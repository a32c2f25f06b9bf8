"""Incidents of a run, read from the anomalies and windows that it wrote, and written as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from proofwatch.detection.findings import FindingHistory, Panel, Slice, Tables, finding_of, merged, panel_of
from proofwatch.detection.incident import Incident, urgency
from proofwatch.detection.incidents import gathered
from proofwatch.detection.root_slice import Root
from proofwatch.detection.sentences import incident_sentence, incident_title
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of


class _Rate(msgspec.Struct):
    metric: str
    k: int | None
    n: int | None


class _Window(msgspec.Struct):
    tenant: str
    segment_name: str | None
    segment_value: str | None
    length_s: int
    revision: int
    start: datetime
    figures: list[_Rate] = []


_anomaly = msgspec.json.Decoder(Anomaly).decode
_window = msgspec.json.Decoder(_Window).decode
_Findings = dict[str, dict[str, FindingHistory]]


def read_incidents(out: Path) -> list[Incident]:
    """Return the incidents of the anomalies in `out`, the worst first; its windows tell the counts of slices."""
    findings: _Findings = {}
    with (out / "anomalies.jsonl").open("rb") as lines:
        for line in lines:
            event = _anomaly(line)
            known = findings.setdefault(event.tenant, {})
            found = finding_of(event)
            known[event.anomaly_id] = merged(known[event.anomaly_id], found) if event.anomaly_id in known else found
    with (out / "windows.jsonl").open("rb") as lines:
        tables = _tables(map(_window, lines), findings)
    return sorted((each for tenant in findings for each in gathered(findings[tenant], tables[tenant])), key=urgency)


def document(incident: Incident) -> dict[str, Any]:
    """Return an incident as JSON has it: its words, and the numbers and codes that they are made of."""
    plain: dict[str, Any] = msgspec.to_builtins(incident._asdict() | {"root": None})
    told = {"title": incident_title(incident), "sentence": incident_sentence(incident), "harm": incident.harm}
    return plain | told | {"root": _root(incident.root), "described": [_slice(each) for each in incident.described]}


def _tables(windows: Iterable[_Window], findings: _Findings) -> Mapping[str, Tables]:
    """Return the counts of the windows that findings were judged by, of their last revision, by tenant."""
    wanted = {tenant: {panel_of(each) for each in known.values() if each.worst} for tenant, known in findings.items()}
    lengths = {tenant: {(panel.length_s, panel.start_ms) for panel in panels} for tenant, panels in wanted.items()}
    found: dict[str, dict[Panel, dict[Slice, tuple[int, int]]]] = {tenant: {} for tenant in findings}
    revisions: dict[tuple[str, Panel, Slice], int] = {}
    for window in windows:
        start_ms = ms_of(window.start)
        if (window.length_s, start_ms) not in lengths.get(window.tenant, ()):
            continue
        where = (window.segment_name, window.segment_value)
        for figure in window.figures:
            panel = Panel(figure.metric, window.length_s, start_ms)
            if panel not in wanted[window.tenant] or figure.k is None or figure.n is None:
                continue
            if window.revision >= revisions.get((window.tenant, panel, where), 0):
                revisions[window.tenant, panel, where] = window.revision
                found[window.tenant].setdefault(panel, {})[where] = (figure.k, figure.n)
    return found


def _root(root: Root) -> dict[str, Any]:
    counts = {
        name: None if each is None else each._asdict() for name, each in (("counts", root.counts), ("rest", root.rest))
    }
    confounded = [_slice(each) for each in root.confounded]
    return _slice(root.where) | {"share": root.share, "confounded": confounded} | counts


def _slice(where: Slice) -> dict[str, str | None]:
    return {"segment_name": where[0], "segment_value": where[1]}
